"""Writing: what several callers want recorded, in one transaction and few statements.

Nothing here talks to PostgreSQL: this module makes questions and steps, and `activities.recording`
carries them out, in a thread or in the event loop.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.utils import timezone
from psycopg.types.json import Jsonb

from activities.contact_fields import email_in
from activities.corrections import enabled_corrections
from activities.drafts import CheckedActivity, Draft
from activities.inspector import LONGEST_NAME, Refused, lines_of
from activities.problems import (
    InvalidActivity,
    Status,
    of_an_erased_person,
    printable,
    summarise,
)
from activities.quality import counting
from activities.specification import KnownTypes, types_named
from activities.submissions import (
    ACCEPTED,
    NOBODY,
    Addition,
    Outcome,
    Source,
    Submission,
    Types,
    Written,
)
from consents.agreements import Answer, answers_to
from consents.permission import Asks, find_obstacle
from contacts.erased_names import Names, erased_among
from contacts.resolving import follow_merged, live_ids
from database.cursors import array_of
from database.questions import Question, nothing
from database.transactions import Ask, Copy, Steps

# What is written of an activity, and PostgreSQL's types of it.
_COLUMNS = {
    "id": "int8",
    "type_id": "int8",
    "contact_id": "int8",
    "channel_id": "int8",
    "tracked_site_id": "int8",
    "title": "text",
    "value": "varchar",
    "url": "text",
    "referrer": "text",
    "properties": "jsonb",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "logged_as": "uuid",
    "client_id": "uuid",
    "request_id": "uuid",
}
_REPEATED = "An activity with this id has been recorded before: it counts once."


def steps_of(submissions: Sequence[Submission]) -> Steps[list[Written | None]]:
    """The steps that record what can be recorded; None for a GUID that leads to no contact.

    What is refused is kept in the inspector with its reason, and never stands in the way of the
    rest.
    """
    return _Batch(submissions).steps()


class _Fate:
    """What becomes of one submission, while its batch is put together."""

    def __init__(self, submission: Submission, contact_id: int):
        self.submission, self.contact_id = submission, contact_id
        self.outcomes: list[Outcome] = []
        self.inspected = 0
        self.data_input_of: int | None = None
        self.new_names: list[str] = []


class _Batch:
    """What is written in one transaction."""

    def __init__(self, submissions: Sequence[Submission]):
        self.submissions = submissions
        self.rows: list[_Row] = []
        self.inspected: list[Refused] = []
        # The emails of erased people that these submissions give.
        self.erased: set[str] = set()
        self.counts: Counter[tuple[int, Status]] = Counter()
        self._remarked: dict[int, Refused | None] = {}
        self._outcomes: dict[tuple[str, str, str], Outcome] = {}

    def steps(self) -> Steps[list[Written | None]]:
        submissions = self.submissions
        # The ids, and with them a transaction id, come before the contacts are resolved: so a merge
        # that this misses waits for this transaction before it settles (see contacts.merging).
        given = {email_in(one.contact_fields) for it in submissions for one in it.drafts} - {""}
        # Only who gives an email has it looked for among those of erased people.
        of_erased = [erased_among(Names(emails=sorted(given)))] if given else []
        ids, (people, merged), known, *erased = yield Ask(
            [
                _ids(sum(len(submission.drafts) for submission in submissions)),
                live_ids({one.contact_guid for one in submissions} - {NOBODY}),
                types_named({name for submission in submissions for name in submission.names}),
                *of_erased,
            ]
        )
        self.erased = {email for names in erased for email in names.emails}
        if merged:
            (followed,) = yield Ask([follow_merged(merged)])
            people |= followed
        asked = {
            (people[one.contact_guid], consent_id)
            for one in submissions
            if one.contact_guid in people and (consent_id := one.source.asked_consent_id)
        }
        answers = {}
        if asked:
            (answers,) = yield Ask([answers_to(asked)])
        # Only what is wrong pays for this.
        if any(one.may_be_corrected(_types_of(one, known)) for one in submissions):
            (rules,) = yield Ask([enabled_corrections()])
            if rules:
                for one in submissions:
                    one.correct(_types_of(one, known), rules)
        fates = [
            self._decide(submission, people.get(submission.contact_guid), known, answers, ids)
            for submission in submissions
        ]
        new = self.rows
        if claims := _claims_of(new):
            (claimed,) = yield Ask([_claim(claims)])
            repeated = {pk for _, _, pk in claims} - claimed
            new = [row for row in new if row.pk not in repeated]
            self._tell_repeats(repeated)
        for row in new:
            if row.activity.remarks:
                self.counts[row.source.channel.id, Status.INVALID_ACCEPTED] += 1
        if new:
            yield Copy("activities_activity", _COLUMNS, map(_values_of, new))
        if self.inspected:
            yield lines_of(self.inspected)
        if last := self._last_questions(new, fates):
            yield Ask(last, last=True)
        return [None if fate is None else _written(fate) for fate in fates]

    def _last_questions(self, new: Sequence["_Row"], fates: Sequence[_Fate | None]) -> list:
        questions: list[Question] = []
        if inputs := [row for row in new if row.activity.contact_fields]:
            questions.append(_queue(inputs))
        if self.counts:
            questions.append(counting(self.counts, timezone.now()))
        decided = [fate for fate in fates if fate and not fate.new_names]
        questions += additions_of(
            (fate.outcomes for fate in decided), [fate.submission for fate in decided]
        )
        return questions

    def _decide(
        self,
        submission: Submission,
        contact_id: int | None,
        known: KnownTypes,
        answers: Mapping[tuple[int, int], Answer],
        ids: Iterator[int],
    ) -> _Fate | None:
        """Check the drafts of one submission, and sort out what becomes of each."""
        if contact_id is None and submission.contact_guid != NOBODY:
            return None
        fate = _Fate(submission, contact_id or 0)
        source = submission.source
        checks: Sequence[CheckedActivity | InvalidActivity]
        if obstacle := _obstacle(fate.contact_id, source, answers):
            checks = [obstacle] * len(submission.drafts)
        else:
            types = _types_of(submission, known)
            fate.new_names = _new_names(submission, types)
            if fate.new_names:
                return fate
            checks = submission.check(types)
        for draft, checked in zip(submission.drafts, checks, strict=True):
            if self.erased and email_in(draft.contact_fields) in self.erased:
                checked = of_an_erased_person("ContactEmail")
            if isinstance(checked, InvalidActivity):
                fate.outcomes.append(self._outcome(checked))
                # What is refused again was counted, and kept, when it came.
                if not submission.again:
                    self.counts[source.channel.id, checked.status] += 1
                    self._inspect(checked, draft, fate)
            else:
                row = _Row(next(ids), checked, draft, fate)
                fate.outcomes.append(Outcome(activity_id=row.pk) if submission.again else ACCEPTED)
                self.rows.append(row)
                if checked.contact_fields:
                    fate.data_input_of = fate.contact_id
                if remark := _remark_on(checked, draft):
                    self._remarked[row.pk] = self._inspect(remark, draft, fate)
        return fate

    def _inspect(self, problem: InvalidActivity, draft: Draft, fate: _Fate) -> Refused | None:
        """The line that the inspector has of this, if it has room for one."""
        fate.inspected += 1
        if fate.inspected > fate.submission.room:
            return None
        refused = as_refused(draft, problem, fate.submission, at=fate.submission.received_at)
        self.inspected.append(refused)
        return refused

    def _tell_repeats(self, repeated: Container[int]) -> None:
        """Say in the inspector what counted once, where a format has no other answer to say it."""
        for row in self.rows:
            if row.pk not in repeated:
                continue
            if row.fate.submission.again:
                row.fate.outcomes = [Outcome()]
                continue
            if row.source.answers_each:
                continue
            problem = InvalidActivity("repeated", "id", _REPEATED, Status.FILTERED)
            if row.pk not in self._remarked:
                self._inspect(problem, row.draft, row.fate)
            elif refused := self._remarked[row.pk]:
                refused.problem = problem

    def _outcome(self, problem: InvalidActivity) -> Outcome:
        """The outcome for this problem; equal ones are one object, as there can be very many."""
        key = (problem.code, problem.field, problem.detail)
        if key not in self._outcomes:
            self._outcomes[key] = Outcome(problem)
        return self._outcomes[key]


class _Row(NamedTuple):
    """An activity that can be written, and where it comes from."""

    pk: int
    activity: CheckedActivity
    draft: Draft
    fate: _Fate

    @property
    def source(self) -> Source:
        return self.fate.submission.source


def as_refused(
    draft: Draft, problem: InvalidActivity, submission: Submission, *, at: datetime
) -> Refused:
    """What the inspector keeps of a draft."""
    return Refused(
        problem=problem,
        door=submission.source.door,
        request_id=submission.source.request_id,
        payload=draft.payload,
        payload_length=len(draft.payload),
        channel=submission.source.channel,
        contact_guid=str(submission.contact_guid),
        test_code=draft.test_code,
        named=printable(draft.type, LONGEST_NAME) if isinstance(draft.type, str) else "",
        context=_context_of(draft, submission.source),
        at=at,
    )


def _context_of(draft: Draft, source: Source) -> dict[str, Any]:
    """What the payload does not say of a draft: its id may be made of a key of the request."""
    context = dict(draft.context)
    if isinstance(draft.client_id, UUID):
        context["id"] = str(draft.client_id)
    if source.tracked_site_id:
        context["site"] = source.tracked_site_id
    if source.asks is not Asks.NOTHING:
        context["asks"] = source.asks.value
    return context


def _types_of(submission: Submission, known: KnownTypes) -> Types:
    """The types by the names that this submission gives them."""
    types = known.of(submission.source.door, submission.source.channel.id)
    return {**types, **submission.new_types} if submission.new_types else types


def _obstacle(
    contact_id: int, source: Source, answers: Mapping[tuple[int, int], Answer]
) -> InvalidActivity | None:
    """Why nothing that this contact did may be recorded, if so."""
    answer = answers.get((contact_id, source.channel.tracking_consent_id or 0))
    has_agreed = answer.agreed if answer else None
    if find_obstacle(source.channel, has_agreed, asks=source.asks) is None:
        return None
    return InvalidActivity(
        "consent",
        "",
        "The contact has not agreed to the tracking consent of the channel, or revoked it.",
        Status.FILTERED,
        # Developers of an application that asks by itself see what it sent all the same.
        is_untracked=source.asks is not Asks.NOTHING,
    )


def _new_names(submission: Submission, types: Types) -> list[str]:
    """The names that are to become types first, in one order."""
    if submission.source.names_types is None:
        return []
    return sorted(name for key, name in submission.names.items() if name and key not in types)


def _remark_on(activity: CheckedActivity, draft: Draft) -> InvalidActivity | None:
    """What the inspector says about an activity that was accepted, if it is to say anything."""
    if activity.remarks:
        return summarise(activity.remarks)
    if draft.test_code:
        return InvalidActivity("recorded", "", "Recorded as it came.", Status.VALID)
    return None


def _written(fate: _Fate) -> Written:
    return Written(
        outcomes=fate.outcomes,
        inspected=fate.inspected,
        data_input_of=fate.data_input_of,
        new_names=fate.new_names,
    )


def additions_of(
    outcomes: Iterator[Sequence[Outcome]] | Sequence[Sequence[Outcome]],
    submissions: Sequence[Submission],
) -> list[Question[None]]:
    """The statements for what the doors want written beside these, one for each kind."""
    kinds: dict[type[Addition], list[Addition]] = {}
    for of_one, submission in zip(outcomes, submissions, strict=True):
        for addition in submission.add(of_one) if submission.add else ():
            kinds.setdefault(type(addition), []).append(addition)
    return [kind.write_all(additions) for kind, additions in kinds.items()]


def _ids(count: int) -> Question[Iterator[int]]:
    return Question(
        # First the transaction id: epochs tell by the ids of rows who has written before them.
        "WITH own AS MATERIALIZED (SELECT pg_current_xact_id() AS id)"
        " SELECT array_agg(nextval('activities_activity_id_seq')) FILTER (WHERE one IS NOT NULL),"
        " max(own.id) FROM own LEFT JOIN generate_series(1, %s::int) AS one ON true",
        [count],
        lambda rows: iter(rows[0][0] or ()),
    )


def _claims_of(rows: Sequence[_Row]) -> list[tuple[int, str, int]]:
    """The ids that the clients chose, with their channels and activities.

    They are in one order everywhere, so that two requests with the same ids never wait in a circle.
    """
    return sorted(
        (row.source.channel.id, row.activity.client_id.hex, row.pk)
        for row in rows
        if row.activity.client_id
    )


def _claim(claims: Sequence[tuple[int, str, int]]) -> Question[set[int]]:
    """Claims these ids; the answer has the activities whose id no earlier request has claimed."""
    channel_ids, client_ids, pks = zip(*claims, strict=True)
    return Question(
        "INSERT INTO activities_activityclaim (channel_id, client_id, activity_id)"
        " SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[])"
        " ON CONFLICT DO NOTHING RETURNING activity_id",
        [array_of(channel_ids), array_of(client_ids), array_of(pks)],
        lambda rows: {pk for (pk,) in rows},
    )


def _values_of(row: _Row) -> tuple:
    activity, source, submission = row.activity, row.source, row.fate.submission
    return (
        row.pk,
        activity.type.id,
        row.fate.contact_id,
        source.channel.id,
        source.tracked_site_id,
        activity.title,
        activity.value,
        activity.url,
        activity.referrer,
        activity.properties and Jsonb(activity.properties, dumps=bytes),
        activity.occurred_at,
        timezone.now() if submission.again else submission.received_at,
        submission.contact_guid,
        activity.client_id,
        source.request_id,
    )


def _queue(rows: Sequence[_Row]) -> Question[None]:
    """Leaves the contact fields of these activities to a worker."""
    return Question(
        "INSERT INTO activities_datainput"
        " (contact_id, activity_id, fields, outcome, received_at, detail)"
        " SELECT contact_id, activity_id, fields, 'pending', received_at, ''"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::jsonb[], %s::timestamptz[])"
        " AS given (contact_id, activity_id, fields, received_at)",
        [
            array_of(row.fate.contact_id for row in rows),
            array_of(row.pk for row in rows),
            [msgspec.json.encode(row.activity.contact_fields).decode() for row in rows],
            [row.fate.submission.received_at for row in rows],
        ],
        nothing,
    )
