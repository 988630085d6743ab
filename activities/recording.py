"""Recording: the one way in. Every door, and Python code, ends here."""

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from activities import batches, tasks
from activities.batches import Outcome, Source, Submission, Written, as_refused
from activities.drafts import Draft
from activities.group_commit import GroupCommit
from activities.inspector import keep_rejections
from activities.models import SystemType
from activities.problems import InvalidActivity, more_rejections
from channels.models import Channel
from contacts.models import Contact
from contacts.resolving import UnknownContact, is_about_an_erased_contact

_log = logging.getLogger(__name__)

# How many drafts of one caller are checked and written at a time.
_PART = 5_000
# How many drafts of several callers are.
_ROOM = 1_000
# How long a caller waits for its turn to be written, in seconds.
_PATIENCE = 5.0


def record_activities(
    drafts: Iterable[Draft], *, contact_guid: UUID, source: Source
) -> list[Outcome]:
    """Record what the contact did whom this GUID leads to; return one outcome per draft, in order.

    What is accepted is committed when this returns. What is refused is kept in the inspector with
    its reason, and never stands in the way of the rest. Several callers at once share a commit;
    within a transaction of the caller's own, that one counts.

    :raises UnknownContact: if the GUID leads to nobody
    :raises Busy: if the database does not keep up; nothing was recorded then
    """
    remaining = iter(drafts)
    submission = _submit(list(islice(remaining, _PART)), contact_guid, source)
    with _erased_is_unknown(contact_guid):
        if len(submission.drafts) < _PART and not connection.in_atomic_block:
            written = _commits.write(submission)
        else:
            written = _write_in_parts(submission, remaining)
    if written is None:
        raise UnknownContact(contact_guid)
    if _has_consequences(written, submission):
        if connection.in_atomic_block:
            _follow_up(written, submission)
        else:
            _follow_up_after_commit(written, submission)
    return written.outcomes


async def record_activities_async(
    drafts: Sequence[Draft], *, contact_guid: UUID, source: Source
) -> list[Outcome]:
    """The same for an event loop, of a few drafts: all of them are written in one go."""
    submission = _submit(drafts, contact_guid, source)
    with _erased_is_unknown(contact_guid):
        written = await _commits.write_async(submission)
    if written is None:
        raise UnknownContact(contact_guid)
    if _has_consequences(written, submission):
        await asyncio.to_thread(_follow_up_in_thread, written, submission)
    return written.outcomes


def record_for_several(drafts: Mapping[UUID, Sequence[Draft]], *, source: Source) -> None:
    """Record what several contacts did, by the GUIDs that lead to them, in one commit.

    A GUID that leads to nobody is left out.
    """
    part: list[Submission] = []
    with transaction.atomic():
        for contact_guid, of_one in drafts.items():
            if len(of_one) + sum(len(submission.drafts) for submission in part) > _PART:
                _write_together(part)
                part = []
            if len(of_one) < _PART:
                part.append(_submit(of_one, contact_guid, source))
            else:
                with suppress(UnknownContact):
                    record_activities(of_one, contact_guid=contact_guid, source=source)
        _write_together(part)


def _write_together(submissions: Sequence[Submission]) -> None:
    if not submissions:
        return
    for submission, written in zip(submissions, batches.write(submissions), strict=True):
        if written is not None and _has_consequences(written, submission):
            _follow_up(written, submission)


def log_custom_activity(
    code_name: str,
    *,
    contact: Contact,
    channel: Channel,
    title: str = "",
    value: str = "",
    url: str = "",
    referrer: str = "",
    properties: dict | None = None,
) -> None:
    """Record from Python code that `contact` did something of a custom activity type.

    Set at least the title: it is what the activity log shows. It goes the way of every activity, so
    one that breaks a rule is in the inspector as well.

    :raises InvalidActivity: if the type is unknown, disabled or a system type, or a text too long
    """
    if code_name.lower() in SystemType.values:
        raise InvalidActivity("system_type", "type", f"{code_name} is no custom activity type.")
    given: dict[str, Any] = {
        "type": code_name,
        "title": title,
        "value": value,
        "url": url,
        "referrer": referrer,
        "properties": properties,
    }
    payload = json.dumps(given, default=str, skipkeys=True).encode()
    draft = Draft(**given, payload=payload)
    source = Source(door="python", channel=channel, request_id=uuid4())
    (outcome,) = record_activities([draft], contact_guid=contact.guid, source=source)
    if outcome.problem:
        raise outcome.problem


def _submit(drafts: Sequence[Draft], contact_guid: UUID, source: Source) -> Submission:
    room = settings.REJECTED_KEPT_PER_REQUEST
    submission = Submission(drafts=drafts, contact_guid=contact_guid, source=source, room=room)
    submission.check_ahead()
    return submission


@contextmanager
def _erased_is_unknown(contact_guid: UUID) -> Iterator[None]:
    """Treat a contact that is erased in this moment as if it had never been there."""
    try:
        yield
    except IntegrityError as error:
        if not is_about_an_erased_contact(error):
            raise
        raise UnknownContact(contact_guid) from error


def _has_consequences(written: Written, submission: Submission) -> bool:
    return written.data_input_of is not None or written.inspected > submission.room


def _follow_up(written: Written, submission: Submission) -> None:
    """Ring for a worker, and say in the inspector how much more there was than it has room for."""
    if written.data_input_of is not None:
        tasks.apply_data_input.delay_on_commit(contact_id=written.data_input_of)
    if (more := written.inspected - submission.room) > 0:
        problem = more_rejections(more)
        keep_rejections([as_refused(Draft(), problem, submission, at=timezone.now())])


def _follow_up_after_commit(written: Written, submission: Submission) -> None:
    """The same, where no failure may make anybody send again what is recorded.

    A data input whose message is lost is found by the next sweep.
    """
    try:
        _follow_up(written, submission)
    except Exception:  # the activities are committed: an error would have them sent again
        _log.exception("Activities were recorded, but what follows from them failed.")


def _follow_up_in_thread(written: Written, submission: Submission) -> None:
    try:
        _follow_up_after_commit(written, submission)
    finally:
        # Nobody else would give back what this thread has taken from the pool.
        connections.close_all()


def _write_in_parts(first: Submission, remaining: Iterator[Draft]) -> Written | None:
    """Write very many drafts in one transaction, so that memory does not grow with payloads."""
    total, submission = Written(), first
    with transaction.atomic():
        while submission.drafts:
            (written,) = batches.write([submission])
            if written is None:
                return None
            total.outcomes += written.outcomes
            total.inspected += written.inspected
            total.data_input_of = written.data_input_of or total.data_input_of
            submission = replace(
                first,
                drafts=list(islice(remaining, _PART)),
                room=max(0, first.room - total.inspected),
            )
    return total


def _is_undone(error: BaseException) -> bool:
    """Whether a transaction that ended with `error` has certainly left nothing behind."""
    # A server that went away in the middle of a commit may have completed it.
    return connection.connection is not None


_commits = GroupCommit(
    batches.write,
    size_of=lambda submission: len(submission.drafts),
    is_undone=_is_undone,
    leave=connections.close_all,
    room=_ROOM,
    patience=_PATIENCE,
)
