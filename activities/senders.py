"""Who sends: how much each sender has sent, how much of it was refused, and when the last came.

The log says nothing of keys, and is never counted. A web process adds up in its memory what its
requests bring, and writes that every few seconds: a count that a request would have to write is
more than the request costs. What a process has not written when it is killed is not counted.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from activities.sender_counts import SenderCount
from activities.submissions import Source, Submission, Written
from channels.models import Channel
from database.cursors import array_of
from database.loop import LoopDatabase, database_of_process, in_thread
from database.questions import Question, ask, nothing

_log = logging.getLogger(__name__)

# How long a process adds up before it writes.
_SECONDS = 5.0


class _Sender(NamedTuple):
    channel_id: int
    door: str
    key_id: int | None
    site_id: int | None


@dataclass(slots=True)
class _Use:
    recorded: int = 0
    refused: int = 0
    last_at: datetime = field(default_factory=timezone.now)


class _Uses:
    """What the requests of this process have brought since it was last written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: dict[_Sender, _Use] = {}
        self._is_scheduled = False

    def add(self, sender: _Sender, recorded: int, refused: int) -> bool:
        """Add to what one sender has sent; return whether nobody is about to write it."""
        with self._lock:
            use = self._uses.get(sender)
            if use is None:
                use = self._uses[sender] = _Use()
            use.recorded += recorded
            use.refused += refused
            use.last_at = timezone.now()
            was_scheduled, self._is_scheduled = self._is_scheduled, True
        return not was_scheduled

    def take(self) -> dict[_Sender, _Use]:
        """What was added up, which begins anew."""
        with self._lock:
            uses, self._uses, self._is_scheduled = self._uses, {}, False
        return uses


_uses = _Uses()


def count_request(submissions: Sequence[Submission], written: Sequence[Written | None]) -> None:
    """Count what one request brought, in the processes that answer requests."""
    database = database_of_process()
    if database is None:
        return
    for submission, one in zip(submissions, written, strict=True):
        if one is not None and one.outcomes:
            refused = sum(outcome.problem is not None for outcome in one.outcomes)
            _count(submission.source, len(one.outcomes) - refused, refused, database)


def count_refused(channel: Channel, door: str, refused: int, *, key_id: int | None = None) -> None:
    """Count what was refused of a known sender before anything was submitted."""
    if (database := database_of_process()) is not None:
        _add(_Sender(channel.pk, door, key_id, None), 0, refused, database)


async def write_counts_soon() -> None:
    """Write what this process has counted, now."""
    try:
        await in_thread(write_counts)
    except Exception:
        # Any kind: the requests whose figures these are were answered, and web processes go on.
        _log.warning("What senders have sent in the last seconds was not counted.", exc_info=True)


def write_counts() -> None:
    """The same in a thread."""
    if (uses := _uses.take()) and not settings.READ_ONLY:
        ask(_adding(uses))


def forget_old_sender_counts() -> int:
    """Delete what is older than rejections are kept, and return how many rows that were."""
    before = timezone.now() - timedelta(days=settings.REJECTED_KEPT_DAYS)
    return SenderCount.objects.filter(hour__lt=before).delete()[0]


def _count(source: Source, recorded: int, refused: int, database: LoopDatabase) -> None:
    sender = _Sender(source.channel.pk, source.door, source.key_id, source.tracked_site_id)
    _add(sender, recorded, refused, database)


def _add(sender: _Sender, recorded: int, refused: int, database: LoopDatabase) -> None:
    if _uses.add(sender, recorded, refused):
        database.loop.call_soon_threadsafe(_write_later)


def _write_later() -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(_SECONDS, lambda: _keep(loop.create_task(write_counts_soon())))


# An event loop forgets tasks that nobody holds.
_tasks: set[asyncio.Task] = set()


def _keep(task: asyncio.Task) -> None:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _adding(uses: dict[_Sender, _Use]) -> Question[None]:
    # In one order everywhere, so that two processes never wait in a circle.
    senders = sorted(
        uses, key=lambda one: (one.channel_id, one.door, one.key_id or 0, one.site_id or 0)
    )
    columns: list[Sequence[Any]] = list(zip(*senders, strict=True))
    counted = [uses[sender] for sender in senders]
    return Question(
        "INSERT INTO activities_sendercount AS old"
        " (hour, channel_id, door, key_id, tracked_site_id, recorded, refused, last_at)"
        " SELECT date_trunc('hour', last_at, 'UTC'), channel_id, door, key_id, site_id, recorded,"
        " refused, last_at FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[],"
        " %s::bigint[], %s::bigint[], %s::timestamptz[])"
        " AS given (channel_id, door, key_id, site_id, recorded, refused, last_at)"
        " ON CONFLICT (hour, channel_id, door, key_id, tracked_site_id) DO UPDATE SET"
        " recorded = old.recorded + excluded.recorded, refused = old.refused + excluded.refused,"
        " last_at = greatest(old.last_at, excluded.last_at)",
        [
            array_of(columns[0]),
            list(columns[1]),
            list(columns[2]),
            list(columns[3]),
            array_of(one.recorded for one in counted),
            array_of(one.refused for one in counted),
            [one.last_at for one in counted],
        ],
        nothing,
    )
