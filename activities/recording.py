"""Recording: the one way in. Every door, and Python code, ends here."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from activities import tasks
from activities.drafts import CheckedActivity, Draft, check_draft, is_storable
from activities.event_names import make_types
from activities.inspector import Refused, keep_rejections
from activities.models import ActivityType, DataInput, SystemType
from activities.problems import InvalidActivity, Status, summarise
from activities.quality import count_events
from activities.specification import load_rules
from channels.models import Channel
from consents.agreements import has_revoked, is_agreed
from contacts.models import Contact
from contacts.resolving import get_live_contact


class Outcome(msgspec.Struct):
    """What became of one draft: recorded (now or by an earlier, equal request), or refused."""

    problem: InvalidActivity | None = None

    @property
    def accepted(self) -> bool:
        return self.problem is None


_ACCEPTED = Outcome()
# How many drafts are checked and written at a time.
_PART = 5_000


class Source(msgspec.Struct, kw_only=True):
    """Where activities came from: the door, the channel, and the request that brought them.

    With `names_types`, a type that is not known yet is made, and marked with that door. What a
    browser sends by itself is `from_browser`: there nobody else asks whether tracking was revoked.
    """

    door: str
    channel: Channel
    request_id: UUID
    tracked_site_id: int | None = None
    names_types: ActivityType.Door | None = None
    from_browser: bool = False


def record_activities(
    drafts: Iterable[Draft], *, contact: Contact, source: Source, logged_as: UUID | None = None
) -> list[Outcome]:
    """Record what `contact` did, and return one outcome per draft, in their order.

    `logged_as` is the GUID that the client knows the contact by, if it is not the contact's own.

    What is accepted is committed when this returns. What is refused is kept in the inspector with
    its reason, and never stands in the way of the rest. All of it is one transaction, whose parts
    are written as they come: memory does not grow with the payloads.
    """
    batch = Batch(contact, source, logged_as or contact.guid)
    remaining = iter(drafts)
    with transaction.atomic():
        while part := list(islice(remaining, _PART)):
            batch.record(part)
        batch.finish()
    return batch.outcomes


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
    (outcome,) = record_activities([draft], contact=contact, source=source)
    if outcome.problem:
        raise outcome.problem


class Batch:
    """The activities of one call of `record_activities`, recorded part by part."""

    def __init__(self, contact: Contact, source: Source, logged_as: UUID):
        self.contact, self.source, self.logged_as = contact, source, logged_as
        self.received_at = timezone.now()
        self.outcomes: list[Outcome] = []
        self._consent_is_missing = _lacks_consent(contact, source)
        self._counts: Counter[Status] = Counter()
        self._inspected = 0
        self._outcomes: dict[tuple[str, str, str], Outcome] = {}

    def record(self, drafts: list[Draft]) -> None:
        """Write the accepted ones of `drafts`, and keep the others for the inspector."""
        types = _find_types(drafts, self.source)
        accepted, inspected = [], []
        for draft in drafts:
            try:
                activity = self._check(draft, types)
                accepted.append(activity)
                self.outcomes.append(_ACCEPTED)
                if remark := _remark_on(activity, draft):
                    inspected.append(self._as_refused(draft, remark))
            except InvalidActivity as problem:
                self.outcomes.append(self._outcome(problem))
                self._counts[problem.status] += 1
                inspected.append(self._as_refused(draft, problem))
        if accepted:
            self._write(accepted)
        self._keep(inspected)

    def finish(self) -> None:
        """Count what became of the activities, and say how many the inspector has no room for."""
        count_events(self.source.channel.pk, self._counts, self.received_at)
        if (more := self._inspected - settings.REJECTED_KEPT_PER_REQUEST) > 0:
            detail = f"{more:,} more activities of this request are not kept here."
            problem = InvalidActivity("more_rejections", "", detail)
            keep_rejections([self._as_refused(Draft(), problem)])

    def _check(
        self, draft: Draft, types: dict[str, ActivityType | InvalidActivity]
    ) -> CheckedActivity:
        if self._consent_is_missing:
            raise InvalidActivity(
                "consent",
                "",
                "The contact has not agreed to the tracking consent of the channel, or revoked it.",
                Status.FILTERED,
            )
        return check_draft(draft, types, self.received_at)

    def _outcome(self, problem: InvalidActivity) -> Outcome:
        """The outcome for this problem; equal ones are one object, as there can be very many."""
        key = (problem.code, problem.field, problem.detail)
        if key not in self._outcomes:
            # Its traceback would keep everything alive that the check had in its hands.
            self._outcomes[key] = Outcome(problem.with_traceback(None))
        return self._outcomes[key]

    def _as_refused(self, draft: Draft, problem: InvalidActivity) -> Refused:
        return Refused(
            problem=problem,
            door=self.source.door,
            request_id=self.source.request_id,
            payload=draft.payload,
            payload_length=len(draft.payload),
            channel=self.source.channel,
            contact_guid=str(self.logged_as),
            test_code=draft.test_code,
            at=self.received_at,
        )

    def _keep(self, inspected: list[Refused]) -> None:
        room = max(0, settings.REJECTED_KEPT_PER_REQUEST - self._inspected)
        self._inspected += len(inspected)
        if inspected and room:
            keep_rejections(inspected[:room])

    def _write(self, accepted: list[CheckedActivity]) -> None:
        # The ids, and with them a transaction id, come before the contact is resolved: so a merge
        # that this misses waits for this transaction before it settles (see contacts.merging).
        numbered = dict(zip(_take_ids(len(accepted)), accepted, strict=True))
        numbered = _without_repeats(numbered, self.source.channel)
        for activity in numbered.values():
            self._counts[Status.INVALID_ACCEPTED if activity.remarks else Status.VALID] += 1
        person = get_live_contact(self.contact.pk)
        _copy_activities(numbered, person, self.logged_as, self.source, self.received_at)
        _queue_data_inputs(numbered, person, self.received_at)


def _remark_on(activity: CheckedActivity, draft: Draft) -> InvalidActivity | None:
    """What the inspector says about an activity that was accepted, if it is to say anything."""
    if activity.remarks:
        return summarise(activity.remarks)
    if draft.test_code:
        return InvalidActivity("recorded", "", "Recorded as it came.", Status.VALID)
    return None


def _find_types(drafts: list[Draft], source: Source) -> dict[str, ActivityType | InvalidActivity]:
    names = {
        draft.type.lower(): draft.type
        for draft in drafts
        if isinstance(draft.type, str) and is_storable(draft.type)
    }
    found = ActivityType.objects.by_code_names(names)
    types: dict[str, ActivityType | InvalidActivity] = {
        activity_type.code_name.lower(): activity_type for activity_type in found
    }
    unknown = [name for key, name in names.items() if name and key not in types]
    if unknown and source.names_types:
        types |= make_types(unknown, door=source.names_types, channel=source.channel)
    load_rules(found for found in types.values() if isinstance(found, ActivityType))
    return types


def _lacks_consent(contact: Contact, source: Source) -> bool:
    consent = source.channel.tracking_consent
    if consent is None:
        return False
    if source.channel.enforce_consent:
        return not is_agreed(contact, consent)
    return source.from_browser and has_revoked(contact, consent)


def _take_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('activities_activity', 'id')),"
            " pg_current_xact_id() FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


def _without_repeats(
    numbered: dict[int, CheckedActivity], channel: Channel
) -> dict[int, CheckedActivity]:
    """Claim the ids that the client chose; leave out what an earlier request has claimed."""
    # In one order everywhere, so that two requests with the same ids cannot wait for each other.
    claims = sorted(
        (activity.client_id, pk) for pk, activity in numbered.items() if activity.client_id
    )
    if not claims:
        return numbered
    client_ids, pks = zip(*claims, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activities_activityclaim (channel_id, client_id, activity_id)"
            " SELECT %s, * FROM unnest(%s::uuid[], %s::bigint[])"
            " ON CONFLICT DO NOTHING RETURNING activity_id",
            [channel.pk, list(client_ids), list(pks)],
        )
        repeated = set(pks) - {row[0] for row in cursor.fetchall()}
    return {pk: activity for pk, activity in numbered.items() if pk not in repeated}


def _copy_activities(
    numbered: dict[int, CheckedActivity],
    person: Contact,
    logged_as: UUID,
    source: Source,
    recorded_at: datetime,
) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY activities_activity (id, type_id, contact_id, channel_id, tracked_site_id, title,"
            " value, url, referrer, properties, occurred_at, recorded_at, logged_as, client_id,"
            " request_id)"
            " FROM STDIN"
        ) as copy,
    ):
        for pk, activity in numbered.items():
            copy.write_row(
                (
                    pk,
                    activity.type.pk,
                    person.pk,
                    source.channel.pk,
                    source.tracked_site_id,
                    activity.title,
                    activity.value,
                    activity.url,
                    activity.referrer,
                    activity.properties and activity.properties.decode(),
                    activity.occurred_at,
                    recorded_at,
                    logged_as,
                    activity.client_id,
                    source.request_id,
                )
            )


def _queue_data_inputs(
    numbered: dict[int, CheckedActivity], person: Contact, received_at: datetime
) -> None:
    inputs = [
        DataInput(
            contact=person, activity_id=pk, fields=activity.contact_fields, received_at=received_at
        )
        for pk, activity in numbered.items()
        if activity.contact_fields
    ]
    if inputs:
        DataInput.objects.bulk_create(inputs)
        tasks.apply_data_input.delay_on_commit(contact_id=person.pk)
