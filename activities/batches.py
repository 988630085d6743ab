"""Writing: what several callers want recorded, in one transaction and few statements."""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from activities.drafts import CheckedActivity, Draft, check_draft, is_storable
from activities.event_names import make_types
from activities.inspector import Refused, keep_rejections
from activities.models import ActivityType, DataInput
from activities.problems import InvalidActivity, Status, summarise
from activities.quality import count_events
from activities.specification import ask_for_types, last_read_types
from channels.models import Channel
from consents.agreements import Answer, last_answers
from contacts.resolving import ask_for_live_ids
from database.cursors import array_of, pipeline, preparing_cursor

Types = Mapping[str, ActivityType | InvalidActivity]


class Source(msgspec.Struct, kw_only=True):
    """Where activities came from: the door, the channel, and the request that brought them.

    With `names_types`, a type that is not known yet is made, and marked with that door. What a
    browser sends by itself is `from_browser`: there nobody else asks whether tracking was revoked.
    """

    door: str
    channel: Channel
    request_id: UUID
    tracked_site_id: int | None = None
    names_types: str | None = None
    from_browser: bool = False

    @property
    def asked_consent_id(self) -> int | None:
        """The tracking consent of the channel, if what people answered to it counts here."""
        is_asked = self.channel.enforce_consent or self.from_browser
        return self.channel.tracking_consent_id if is_asked else None


class Outcome(msgspec.Struct):
    """What became of one draft: recorded (now or by an earlier, equal request), or refused."""

    problem: InvalidActivity | None = None

    @property
    def accepted(self) -> bool:
        return self.problem is None


@dataclass(slots=True, kw_only=True)
class Submission:
    """What one caller wants recorded: what the contact did whom `contact_guid` leads to.

    The inspector has room for `room` of the activities.
    """

    drafts: Sequence[Draft]
    contact_guid: UUID
    source: Source
    room: int
    received_at: datetime = field(default_factory=timezone.now)
    # The types that the drafts name, by their code names in lower case.
    names: dict[str, str] = field(init=False)
    _checked: list[CheckedActivity | InvalidActivity] | None = field(init=False, default=None)
    _checked_by: Types = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {
            draft.type.lower(): draft.type
            for draft in self.drafts
            if isinstance(draft.type, str) and is_storable(draft.type)
        }

    def check_ahead(self) -> None:
        """Check the drafts before anything is asked for: by the types that were last read.

        So threads and the event loop have done most of the work when a group is written.
        """
        types = last_read_types(self.names)
        if types is not None:
            self.check(types)

    def check(self, types: Types) -> list[CheckedActivity | InvalidActivity]:
        """What each draft is by these types; it is not checked again by the same ones."""
        if self._checked is None or any(
            types.get(name) is not self._checked_by.get(name) for name in self.names
        ):
            self._checked = [self._check(draft, types) for draft in self.drafts]
            self._checked_by = types
        return self._checked

    def _check(self, draft: Draft, types: Types) -> CheckedActivity | InvalidActivity:
        try:
            return check_draft(draft, types, self.received_at)
        except InvalidActivity as problem:
            # Its traceback would keep everything alive that the check had in its hands.
            return problem.with_traceback(None)


class Written(msgspec.Struct, kw_only=True):
    """What became of a submission.

    There is one outcome per draft, in their order. `inspected` activities were for the inspector;
    `data_input_of` is the contact who has a new data input, if any.
    """

    outcomes: list[Outcome] = []
    inspected: int = 0
    data_input_of: int | None = None


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
_ACCEPTED = Outcome()
_REPEATED = "An activity with this id has been recorded before: it counts once."


def write(submissions: Sequence[Submission]) -> list[Written | None]:
    """Record what can be recorded, and commit; None for whom no contact has the GUID.

    What is refused is kept in the inspector with its reason, and never stands in the way of the
    rest.
    """
    # What COPY and preparing cursors raise, Django does not translate by itself.
    with transaction.atomic(), connection.wrap_database_errors:
        return _Batch(submissions).write()


class _Batch:
    """What is written in one transaction."""

    def __init__(self, submissions: Sequence[Submission]):
        self.submissions = submissions
        self.rows: list[_Row] = []
        self.inspected: list[Refused] = []
        self.counts: Counter[tuple[int, Status]] = Counter()
        self._remarked: dict[int, Refused | None] = {}
        self._outcomes: dict[tuple[str, str, str], Outcome] = {}
        # By contact and consent.
        self._answers: Mapping[tuple[int, int], Answer] = {}

    def write(self) -> list[Written | None]:
        submissions = self.submissions
        # The ids, and with them a transaction id, come before the contacts are resolved: so a merge
        # that this misses waits for this transaction before it settles (see contacts.merging).
        with pipeline():
            get_ids = _ask_for_ids(sum(len(submission.drafts) for submission in submissions))
            get_people = ask_for_live_ids({submission.contact_guid for submission in submissions})
            get_types = ask_for_types(
                {name for submission in submissions for name in submission.names}
            )
        ids, people, known = get_ids(), get_people(), get_types()
        asked = {
            (people[one.contact_guid], consent_id)
            for one in submissions
            if one.contact_guid in people and (consent_id := one.source.asked_consent_id)
        }
        self._answers = last_answers(asked)
        written = [
            self._take(submission, people.get(submission.contact_guid), known, ids)
            for submission in self.submissions
        ]
        new = _without_repeats(self.rows)
        if len(new) < len(self.rows):
            self._tell_repeats({row.pk for row in new})
        for row in new:
            status = Status.INVALID_ACCEPTED if row.activity.remarks else Status.VALID
            self.counts[row.source.channel.pk, status] += 1
        _copy(new)
        _queue_data_inputs(new)
        keep_rejections(self.inspected)
        count_events(self.counts, timezone.now())
        return written

    def _take(
        self,
        submission: Submission,
        contact_id: int | None,
        known: dict[str, ActivityType],
        ids: Iterator[int],
    ) -> Written | None:
        """Check the drafts of one submission, and sort out what becomes of each."""
        if contact_id is None:
            return None
        written = Written()
        checks: Sequence[CheckedActivity | InvalidActivity]
        if obstacle := self._obstacle(contact_id, submission.source):
            checks = [obstacle] * len(submission.drafts)
        else:
            checks = submission.check(_with_new_types(known, submission))
        for draft, checked in zip(submission.drafts, checks, strict=True):
            if isinstance(checked, InvalidActivity):
                self.counts[submission.source.channel.pk, checked.status] += 1
                written.outcomes.append(self._outcome(checked))
                self._inspect(checked, draft, submission, written)
            else:
                written.outcomes.append(_ACCEPTED)
                row = _Row(next(ids), checked, contact_id, draft, submission, written)
                self.rows.append(row)
                if remark := _remark_on(checked, draft):
                    self._remarked[row.pk] = self._inspect(remark, draft, submission, written)
        return written

    def _obstacle(self, contact_id: int, source: Source) -> InvalidActivity | None:
        """Why nothing that this contact did may be recorded, if so."""
        if (consent_id := source.asked_consent_id) is None:
            return None
        answer = self._answers.get((contact_id, consent_id))
        if answer.agreed if answer else not source.channel.enforce_consent:
            return None
        return InvalidActivity(
            "consent",
            "",
            "The contact has not agreed to the tracking consent of the channel, or revoked it.",
            Status.FILTERED,
        )

    def _inspect(
        self, problem: InvalidActivity, draft: Draft, submission: Submission, written: Written
    ) -> Refused | None:
        """The line that the inspector has of this, if it has room for one."""
        written.inspected += 1
        if written.inspected > submission.room:
            return None
        refused = as_refused(draft, problem, submission, at=submission.received_at)
        self.inspected.append(refused)
        return refused

    def _tell_repeats(self, new: Container[int]) -> None:
        """Say in the inspector what counted once, where a format has no other answer to say it."""
        for row in self.rows:
            if row.pk in new or row.source.names_types is None:
                continue
            problem = InvalidActivity("repeated", "id", _REPEATED, Status.FILTERED)
            if row.pk not in self._remarked:
                self._inspect(problem, row.draft, row.submission, row.written)
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
    contact_id: int
    draft: Draft
    submission: Submission
    written: Written

    @property
    def source(self) -> Source:
        return self.submission.source


def as_refused(
    draft: Draft, problem: InvalidActivity, submission: Submission, *, at: datetime
) -> Refused:
    """What the inspector keeps of a draft."""
    # What somebody does who is not to be tracked is kept nowhere, in the inspector neither.
    is_untracked = problem.code == "consent" and submission.source.from_browser
    return Refused(
        problem=problem,
        door=submission.source.door,
        request_id=submission.source.request_id,
        payload=b"" if is_untracked else draft.payload,
        payload_length=len(draft.payload),
        channel=submission.source.channel,
        contact_guid=str(submission.contact_guid),
        test_code=draft.test_code,
        at=at,
    )


def _remark_on(activity: CheckedActivity, draft: Draft) -> InvalidActivity | None:
    """What the inspector says about an activity that was accepted, if it is to say anything."""
    if activity.remarks:
        return summarise(activity.remarks)
    if draft.test_code:
        return InvalidActivity("recorded", "", "Recorded as it came.", Status.VALID)
    return None


def _ask_for_ids(count: int) -> Callable[[], Iterator[int]]:
    cursor = preparing_cursor()
    cursor.execute(
        "SELECT array_agg(nextval('activities_activity_id_seq')), pg_current_xact_id()"
        " FROM generate_series(1, %s)",
        [count],
    )
    return lambda: iter(cursor.fetchone()[0] or ())


def _with_new_types(known: dict[str, ActivityType], submission: Submission) -> Types:
    source = submission.source
    if source.names_types is None:
        return known
    unknown = [name for key, name in submission.names.items() if name and key not in known]
    if not unknown:
        return known
    # In one order, so that two requests that make the same types cannot wait for each other. Two
    # groups can; then PostgreSQL ends one of them, and its requests are written one by one.
    made = make_types(sorted(unknown), door=source.names_types, channel=source.channel)
    types = {key: found for key, found in made.items() if isinstance(found, ActivityType)}
    for activity_type in types.values():
        # Somebody else may have made it meanwhile, with rules.
        activity_type.rules = list(activity_type.property_rules.order_by("name"))
    # It is new only once.
    known.update(types)
    return {**known, **made}


def _without_repeats(rows: list[_Row]) -> list[_Row]:
    """Claim the ids that the clients chose; leave out what an earlier request has claimed."""
    # In one order everywhere, so that two requests with the same ids cannot wait for each other.
    claims = sorted(
        (row.source.channel.pk, row.activity.client_id.hex, row.pk)
        for row in rows
        if row.activity.client_id
    )
    if not claims:
        return rows
    channel_ids, client_ids, pks = zip(*claims, strict=True)
    with preparing_cursor() as cursor:
        cursor.execute(
            "INSERT INTO activities_activityclaim (channel_id, client_id, activity_id)"
            " SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[])"
            " ON CONFLICT DO NOTHING RETURNING activity_id",
            [array_of(channel_ids), array_of(client_ids), array_of(pks)],
        )
        repeated = set(pks) - {row[0] for row in cursor.fetchall()}
    return [row for row in rows if row.pk not in repeated]


def _copy(rows: list[_Row]) -> None:
    if not rows:
        return
    with (
        preparing_cursor() as cursor,
        cursor.copy(
            # In binary, neither side has to put numbers, times and ids into words.
            f"COPY activities_activity ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.set_types(list(_COLUMNS.values()))
        for row in rows:
            activity, source = row.activity, row.source
            copy.write_row(
                (
                    row.pk,
                    activity.type.id,
                    row.contact_id,
                    source.channel.id,
                    source.tracked_site_id,
                    activity.title,
                    activity.value,
                    activity.url,
                    activity.referrer,
                    activity.properties and Jsonb(activity.properties, dumps=bytes),
                    activity.occurred_at,
                    row.submission.received_at,
                    row.submission.contact_guid,
                    activity.client_id,
                    source.request_id,
                )
            )


def _queue_data_inputs(rows: list[_Row]) -> None:
    inputs = []
    for row in rows:
        if fields := row.activity.contact_fields:
            row.written.data_input_of = row.contact_id
            inputs.append(
                DataInput(
                    contact_id=row.contact_id,
                    activity_id=row.pk,
                    fields=fields,
                    received_at=row.submission.received_at,
                )
            )
    if inputs:
        DataInput.objects.bulk_create(inputs)
