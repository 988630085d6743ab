"""The inspector: what was refused, and why, kept for developers."""

import re
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone
from msgspec import structs
from psycopg.types.json import Jsonb

from activities.models import RejectedActivity
from activities.problems import InvalidActivity, Status, more_rejections
from activities.quality import count_events
from activities.senders import count_refused
from channels.models import Channel
from database.transactions import Copy, Steps, run
from web.problems import ERASED

# Of the type that a line names, as code names.
LONGEST_NAME = 250
# In the context of a line: not all of the payload was kept.
CUT = "cut"
# What is written of a line, and PostgreSQL's types of it.
_COLUMNS = {
    "status": "varchar",
    "at": "timestamptz",
    "code": "varchar",
    "reason": "text",
    "field": "varchar",
    "door": "varchar",
    "channel_id": "int8",
    "contact_guid": "varchar",
    "named": "varchar",
    "context": "jsonb",
    "request_id": "uuid",
    "test_code": "varchar",
    "payload": "bytea",
    "payload_length": "int8",
    "payload_text": "text",
}


class Refused(msgspec.Struct, kw_only=True):
    """One activity, or one whole request, that was refused, or is not as it should be.

    `named` is what it called its type. `context` is what its door needs beside the payload to read
    it again; without it, it cannot be.
    """

    problem: InvalidActivity
    door: str
    request_id: UUID
    payload: bytes
    payload_length: int
    channel: Channel | None = None
    contact_guid: str = ""
    test_code: str = ""
    named: str = ""
    context: Mapping[str, Any] | None = None
    at: datetime


def keep_rejections(refused: Sequence[Refused]) -> None:
    """Write these to the inspector, each payload cut at the kept length."""
    if refused:
        run(_keep(refused))


def lines_of(refused: Sequence[Refused]) -> Copy:
    """What adds these to the inspector, each payload cut at the kept length."""
    return Copy("activities_rejectedactivity", _COLUMNS, map(_line_of, refused))


def _keep(refused: Sequence[Refused]) -> Steps[None]:
    yield lines_of(refused)


def _line_of(one: Refused) -> tuple:
    # Nothing is kept of a visitor who must not be tracked, not even here.
    payload = b"" if one.problem.is_untracked else one.payload[: settings.REJECTED_PAYLOAD_BYTES]
    return (
        str(one.problem.status),
        one.at,
        one.problem.code,
        one.problem.detail,
        one.problem.field[:100],
        one.door,
        one.channel.pk if one.channel else None,
        "" if one.problem.code == ERASED else one.contact_guid,
        "" if one.problem.code == ERASED else one.named[:LONGEST_NAME],
        _context_of(one),
        one.request_id,
        "" if one.problem.code == ERASED else one.test_code,
        payload,
        one.payload_length,
        readable(payload),
    )


def _context_of(one: Refused) -> Jsonb | None:
    if one.context is None or one.problem.is_untracked:
        return None
    is_cut = len(one.payload) > settings.REJECTED_PAYLOAD_BYTES
    return Jsonb({**one.context, CUT: True} if is_cut else dict(one.context))


def keep_refused_activities(refused: Sequence[Refused], counts: Mapping[Status, int]) -> None:
    """Write activities of one request that were refused before they were drafts, and count them.

    `counts` has how many there were of each status; `refused`, which is not empty, has those that
    are kept one by one.
    """
    last = refused[-1]
    if last.channel:
        by_channel = {(last.channel.pk, status): count for status, count in counts.items()}
        count_events(by_channel, last.at)
        count_refused(last.channel, last.door, sum(counts.values()))
    if (more := sum(counts.values()) - len(refused)) > 0:
        rest = structs.replace(
            last,
            problem=more_rejections(more),
            payload=b"",
            payload_length=0,
            test_code="",
            named="",
            context=None,
        )
        refused = [*refused, rest]
    keep_rejections(refused)


def keep_refused_request(
    problem: InvalidActivity,
    *,
    door: str,
    request_id: UUID,
    payload: bytes,
    payload_length: int,
    channel: Channel | None = None,
    contact_guid: str = "",
    test_code: str = "",
    context: Mapping[str, Any] | None = None,
    key_id: int | None = None,
    is_stranger: bool = False,
) -> None:
    """Write a request that was refused as a whole to the inspector, and count it.

    Of a stranger, who has shown no key, less of the payload is kept, and only if `is_sampled`.
    """
    now = timezone.now()
    if is_stranger:
        if context is not None and len(payload) > settings.REJECTED_PAYLOAD_BYTES_UNAUTHENTICATED:
            context = {**context, CUT: True}
        payload = payload[: settings.REJECTED_PAYLOAD_BYTES_UNAUTHENTICATED]
    elif channel:
        count_events({(channel.pk, problem.status): 1}, now)
        count_refused(channel, door, 1, key_id=key_id)
    keep_rejections(
        [
            Refused(
                problem=problem,
                door=door,
                request_id=request_id,
                payload=payload,
                payload_length=payload_length,
                channel=channel,
                contact_guid=contact_guid,
                test_code=test_code,
                context=context,
                at=now,
            )
        ]
    )


def is_sampled(stranger: str) -> bool:
    """Whether to keep one more refused request of a stranger, whose address, say, this is.

    Of strangers only samples are kept, of each and in total. Where they came from is not stored.
    """
    return _sampler.takes(stranger)


def forget_old_rejections() -> int:
    """Delete what is older than REJECTED_KEPT_DAYS, and return how many rows that were."""
    before = timezone.now() - timedelta(days=settings.REJECTED_KEPT_DAYS)
    deleted, _ = RejectedActivity.objects.filter(at__lt=before).delete()
    return deleted


def readable(payload: bytes) -> str:
    """The words of `payload`, for search: escapes resolved, what is no text left out."""
    text = payload.decode(errors="replace")
    # Forms and queries have escapes as well; in other text these may be none.
    if (unescaped := unquote(text)) != text and not _is_json(payload):
        text = f"{unescaped} {text}"
    if "\\" in text:
        resolved = without_escapes(text)
        # JSON that was cut or is broken has escapes too; in other text these may be none.
        text = resolved if _is_json(payload) else f"{resolved} {text}"
    return " ".join(words_of(text))


def words_of(text: str) -> list[str]:
    """The letters and digits of `text`, of any script, between anything else.

    PostgreSQL would take addresses, paths and the like for one word each.
    """
    return _WORD.findall(unicodedata.normalize("NFC", text))


def without_escapes(text: str) -> str:
    """`text` with the escapes of JSON resolved."""
    # Those of one letter stand for characters that are no part of a word.
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    # Characters beyond the first 65536 are two escapes.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# PostgreSQL leaves words of more than 2046 bytes out of its indexes: longer ones are cut up.
_WORD = re.compile(r"[^\W_]{1,500}")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)


def _is_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class _Sampler:
    """Takes a bounded number a minute, of each source and in total, in this process."""

    def __init__(self):
        self._lock = threading.Lock()
        self._minute = 0
        self._taken: Counter[str] = Counter()

    def takes(self, source: str) -> bool:
        minute = int(time.monotonic() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._taken = minute, Counter()
            if (
                self._taken[source] >= settings.REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE
                or self._taken.total() >= settings.REJECTED_SAMPLES_PER_MINUTE
            ):
                return False
            self._taken[source] += 1
            return True


_sampler = _Sampler()
