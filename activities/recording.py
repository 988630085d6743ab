"""Recording: the one way in. Every door, and Python code, ends here."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone

from activities import batches, one_call
from activities.batches import as_refused
from activities.drafts import Draft
from activities.event_names import make_types
from activities.inspector import keep_rejections
from activities.models import ActivityType, SystemType
from activities.problems import InvalidActivity, more_rejections
from activities.senders import count_request, write_counts_soon
from activities.specification import types_named
from activities.submissions import (
    NOBODY,
    Addition,
    Outcome,
    Source,
    Submission,
    Types,
    Written,
)
from channels.models import Channel
from contacts.models import Contact
from contacts.resolving import UnknownContact, is_about_an_erased_contact, why_unknown
from database.commits import SharedCommit
from database.letter_case import fold
from database.loop import (
    PATIENCE,
    Busy,
    ask_soon,
    database_of_loop,
    database_of_process,
    finish,
    in_thread,
)
from database.questions import ask
from database.transactions import run, run_at_once, run_soon
from jobs.tasks import ring

_log = logging.getLogger(__name__)

# How many drafts of one caller are checked and written at a time.
_PART = 500
# How many drafts of several callers are.
_ROOM = 1_000

# How long a thread waits for the event loop to write something, in seconds: two turns and more.
_LONGEST_TURN = 60.0

# What is written together: the submissions of one request.
_Request = Sequence[Submission]


async def record_soon(
    drafts: Iterable[Draft],
    *,
    contact_guid: UUID,
    source: Source,
    add: Callable[[Sequence[Outcome]], Sequence[Addition]] | None = None,
) -> list[Outcome]:
    """Record what the contact did whom this GUID leads to; return one outcome per draft, in order.

    What is accepted is committed when this returns, and so is what the door has to `add` to it.
    What is refused is kept in the inspector with its reason, and never stands in the way of the
    rest. Several requests at once share a commit; within a transaction of the caller's own, that
    one counts.

    :raises UnknownContact: if the GUID leads to nobody (`ErasedContact`: not any more)
    :raises Busy: if the database does not keep up; nothing was recorded then
    """
    remaining = iter(drafts)
    first = list(islice(remaining, _PART))
    try:
        if len(first) == _PART:
            assert add is None, "There is no door that adds something to so many."
            return await in_thread(_record_in_parts, first, remaining, contact_guid, source)
        (written,) = await _record([_submit(first, contact_guid, source, add)])
    except UnknownContact:
        written = None
    if written is None:
        (why,) = await ask_soon(why_unknown(contact_guid))
        raise why
    return written.outcomes


async def record_for_contacts_soon(
    drafts: Mapping[UUID, Sequence[Draft]], *, source: Source
) -> None:
    """Record what several contacts did, by the GUIDs that lead to them, in one commit.

    A GUID that leads to nobody is left out.

    :raises Busy: if the database does not keep up; nothing was recorded then
    """
    if drafts:
        await _record([_submit(of_one, guid, source) for guid, of_one in drafts.items()])


def refuse_if_stuck() -> None:
    """Make sure that the database keeps up, before anything is done for a request.

    :raises Busy: if it does not
    """
    if _commits is not None and database_of_loop() is not None and _commits.is_stuck:
        raise Busy


async def add_soon(additions: Sequence[Addition], *, source: Source) -> None:
    """Write what a door has to add, in a commit that it shares with what is recorded.

    :raises Busy: if the database does not keep up; nothing was written then
    """
    await _commit([_submit((), NOBODY, source, lambda _: additions)])


def record_activities(
    drafts: Iterable[Draft], *, contact_guid: UUID, source: Source
) -> list[Outcome]:
    """What `record_soon` does, for Python code.

    :raises UnknownContact: if the GUID leads to nobody
    :raises Busy: if the database does not keep up; nothing was recorded then
    """
    return finish(record_soon(drafts, contact_guid=contact_guid, source=source))


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
    if fold(code_name) in SystemType.values:
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


@asynccontextmanager
async def open_shared_commit(*, patience: float = PATIENCE) -> AsyncIterator[SharedCommit]:
    """Let the requests of this process share commits, in the event loop whose database is open."""
    global _commits
    _commits = SharedCommit(_write_soon, size_of=_size_of, room=_ROOM, patience=patience)
    try:
        yield _commits
    finally:
        commits, _commits = _commits, None
        await commits.drain()
        await write_counts_soon()


_commits: SharedCommit[_Request, list[Written | None]] | None = None


def _submit(
    drafts: Sequence[Draft],
    contact_guid: UUID,
    source: Source,
    add: Callable[[Sequence[Outcome]], Sequence[Addition]] | None = None,
) -> Submission:
    room = settings.REJECTED_KEPT_PER_REQUEST
    submission = Submission(
        drafts=drafts, contact_guid=contact_guid, source=source, room=room, add=add
    )
    submission.check_ahead()
    return submission


async def _record(submissions: _Request) -> list[Written | None]:
    """Write the submissions of one request, and see to what follows from that."""
    written = await _commit(submissions)
    if any(one and one.new_names for one in written):
        written = await _commit_with_new_types(submissions, written)
    await _follow_up(written, submissions)
    count_request(submissions, written)
    return written


async def _commit_with_new_types(
    submissions: _Request, written: list[Written | None]
) -> list[Written | None]:
    """Write what waited for types to be made; the rest is written by now."""
    waits = [bool(one and one.new_names) for one in written]
    waiting = [one for one, has_to_wait in zip(submissions, waits, strict=True) if has_to_wait]
    names = {name for one in written if one for name in one.new_names}
    types = await in_thread(_make_types, sorted(names), waiting[0].source)
    for submission in waiting:
        submission.new_types = types
    now = iter(await _commit(waiting))
    return [
        next(now) if has_to_wait else one for one, has_to_wait in zip(written, waits, strict=True)
    ]


async def _commit(submissions: _Request) -> list[Written | None]:
    try:
        commits, database = _commits, database_of_process()
        if database_of_loop() is not None:
            if commits is None:  # the process ends
                raise Busy
            return await commits.write(submissions)
        if commits is None or database is None or connection.in_atomic_block:
            return _write(submissions)
        # The other requests of this web process are written there as well.
        writing = asyncio.run_coroutine_threadsafe(commits.write(submissions), database.loop)
        try:
            return writing.result(_LONGEST_TURN)
        except TimeoutError:  # the loop has ended meanwhile
            raise Busy from None
    except IntegrityError as error:
        if not is_about_an_erased_contact(error):
            raise
        # A contact that is erased in this moment is one that had never been there.
        if len(submissions) == 1:
            return [None]
        return [(await _commit([submission]))[0] for submission in submissions]


def _size_of(submissions: _Request) -> int:
    return sum(len(submission.drafts) for submission in submissions)


def _write(submissions: _Request) -> list[Written | None]:
    """Write on the connection of this thread."""
    questions, usual = one_call.in_one_call([submissions])
    others = list(submissions)
    with transaction.atomic():
        if usual and _try(questions):
            done = set(usual)
            others = [submission for submission in submissions if submission not in done]
        return _in_order(submissions, others, run(batches.steps_of(others)) if others else [])


def _try(questions: Sequence[batches.Question[None]]) -> bool:
    """Whether everything was usual, so that it was written."""
    try:
        with transaction.atomic():
            ask(*questions)
    except Error as error:
        if not one_call.is_not_usual(error):
            raise
        return False
    return True


async def _write_soon(requests: list[_Request]) -> list[list[Written | None] | Exception]:
    """Write what several requests bring, on a connection of the event loop.

    What is usual is a transaction of its own. If the other one fails after it, that is the result
    of those requests alone.
    """
    submissions = [submission for request in requests for submission in request]
    database = database_of_loop()
    assert database is not None
    questions, usual = one_call.in_one_call(requests)
    others = submissions
    if usual:
        try:
            async with database.connection() as loop_connection:
                await run_at_once(questions, loop_connection)
            done = set(usual)
            others = [submission for submission in submissions if submission not in done]
        except Error as error:
            if not one_call.is_not_usual(error):
                raise
    written: list[Written | None] = []
    if others:
        try:
            async with database.connection() as loop_connection:
                written = await run_soon(batches.steps_of(others), loop_connection)
        except Exception as error:
            # Any kind: the usual submissions are committed. If an error of the others reached their
            # callers, these would send them again.
            if len(others) == len(submissions):
                raise
            failed = set(others)
            results: list[list[Written | None] | Exception] = []
            for request in requests:
                accepted: list[Written | None] = [*map(one_call.all_accepted, request)]
                results.append(error if request[0] in failed else accepted)
            return results
    every = iter(_in_order(submissions, others, written))
    return [list(islice(every, len(request))) for request in requests]


def _in_order(
    submissions: _Request, others: _Request, written: Sequence[Written | None]
) -> list[Written | None]:
    """What became of each: those that are none of `others` were recorded in one call."""
    known = dict(zip(others, written, strict=True))
    return [known[one] if one in known else one_call.all_accepted(one) for one in submissions]


def _make_types(names: Sequence[str], source: Source) -> Types:
    """Make types of new names, by names in lower case; or say why a name cannot become one."""
    assert source.names_types is not None
    made = make_types(names, door=source.names_types, channel=source.channel)
    for found in made.values():
        if isinstance(found, ActivityType):
            # Another request may have made it meanwhile, with rules.
            found.rules = list(found.property_rules.order_by("name"))
    return made


async def _follow_up(written: Sequence[Written | None], submissions: _Request) -> None:
    """Ring for a worker, and say in the inspector how much more there was than it has room for."""
    for one, submission in zip(written, submissions, strict=True):
        if one is None:
            continue
        if one.data_input_of is not None:
            ring("data inputs")
        if (more := one.inspected - submission.room) > 0:
            await in_thread(_tell_of_more, more, submission)


def _tell_of_more(more: int, submission: Submission) -> None:
    refused = as_refused(Draft(), more_rejections(more), submission, at=timezone.now())
    refused.context = None
    if connection.in_atomic_block:
        keep_rejections([refused])
        return
    try:
        keep_rejections([refused])
    except Exception:
        # Any kind: the activities are committed, and a caller that got an error would send them
        # again.
        _log.exception("Activities were recorded, but what follows from them failed.")


def _record_in_parts(
    first: list[Draft], remaining: Iterable[Draft], contact_guid: UUID, source: Source
) -> list[Outcome]:
    """Record very many drafts in one transaction, so that memory does not grow with payloads."""
    outcomes: list[Outcome] = []
    submission = _submit(first, contact_guid, source)
    inspected, data_input_of = 0, None
    try:
        with transaction.atomic():
            while submission.drafts:
                written = _write_part(submission)
                outcomes += written.outcomes
                inspected += written.inspected
                data_input_of = written.data_input_of or data_input_of
                submission = replace(
                    submission,
                    drafts=list(islice(remaining, _PART)),
                    room=max(0, settings.REJECTED_KEPT_PER_REQUEST - inspected),
                )
    except IntegrityError as error:
        if not is_about_an_erased_contact(error):
            raise
        raise UnknownContact from error
    total = Written(outcomes=outcomes, inspected=inspected, data_input_of=data_input_of)
    whole = replace(submission, drafts=[], room=settings.REJECTED_KEPT_PER_REQUEST)
    finish(_follow_up([total], [whole]))
    count_request([whole], [total])
    return outcomes


def _write_part(submission: Submission) -> Written:
    (written,) = run(batches.steps_of([submission]))
    if written is not None and written.new_names:
        submission.new_types = _make_types(written.new_names, submission.source)
        (written,) = run(batches.steps_of([submission]))
    if written is None:
        raise UnknownContact
    return written


def record_again(submissions: Sequence[Submission]) -> list[Written | None]:
    """Record, in this order, what was refused before; None for a GUID that leads to nobody.

    Each submission is of one draft, and is recorded `again`. The inspector has it by now: what is
    refused once more is neither kept nor counted another time.

    :raises IntegrityError: at the commit, if a contact is erased in this moment
    """
    with transaction.atomic():
        _make_types_ahead(submissions)
        written = run(batches.steps_of(submissions))
    if any(one and one.data_input_of is not None for one in written):
        ring("data inputs")
    return written


def _make_types_ahead(submissions: Sequence[Submission]) -> None:
    """Make the types that these bring, so that all can be written in order."""
    naming = [one for one in submissions if one.source.names_types is not None]
    if not naming:
        return
    (known,) = ask(types_named({name for one in naming for name in one.names}))
    made: dict[tuple[str, int], Types] = {}
    for one in naming:
        source = one.source
        types = known.of(source.door, source.channel.id)
        if new := sorted(name for key, name in one.names.items() if name and key not in types):
            place = (new[0], source.channel.pk)
            if place not in made:
                made[place] = _make_types(new, source)
            one.new_types = made[place]
