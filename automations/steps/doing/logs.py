"""Logging activities of contacts as a step."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import connection

from activities.batches import steps_of
from activities.drafts import MAX_TEXT, Draft
from activities.models import Activity, ActivityType
from activities.problems import Status
from activities.submissions import Source, Submission
from automations.models import Passage, Run
from automations.steps.doing.base import Batch, CannotDo, Fails, Passed, Result, does
from automations.steps.doing.filling import filled
from channels.models import Channel
from contacts.models import Contact
from database.cursors import array_of
from database.lookups import Among
from database.transactions import run as carry_out

_CUT = f"The value was cut after {MAX_TEXT} characters."
# The channel of the activity that let the run in, else of the newest activity of the contact, else
# the first channel of the hub.
_CHANNELS = """
SELECT asked.run, coalesce(cause.channel_id, newest.channel_id, (
    SELECT min(id) FROM channels_channel
)) FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS asked (run, contact, cause)
LEFT JOIN activities_activity AS cause ON cause.id = asked.cause
LEFT JOIN LATERAL (
    SELECT channel_id FROM activities_activity AS one WHERE one.contact_id = asked.contact
    ORDER BY occurred_at DESC, id DESC LIMIT 1
) AS newest ON cause.id IS NULL
"""


@does("log_activity")
def log_activity(batch: Batch) -> dict[int, Result]:
    """An activity of each contact is recorded, where the hub may record something of them."""
    type_ = _type_named(batch.step.members["activity"])
    texts, results = filled(batch, batch.step.members.get("value", ""))
    runs = [run for run in batch.runs if run.pk in texts]
    return results | _log(type_, runs, texts, batch.now) if runs else results


def _type_named(code_name: str) -> ActivityType:
    found = ActivityType.objects.with_code_name(code_name).first()
    if found is None:
        raise CannotDo(f"There is no activity type “{code_name}”.")
    if found.is_system:
        raise CannotDo(f"“{code_name}” is no custom activity type.")
    if not found.enabled:
        raise CannotDo(f"The activity type “{code_name}” is disabled.")
    return found


def _log(
    type_: ActivityType, runs: Sequence[Run], texts: Mapping[int, str], now: datetime
) -> dict[int, Result]:
    request_id = uuid.uuid4()
    channels = _channels_of(runs)
    guids = dict(
        Contact.objects.filter(Among("pk", {run.contact_id for run in runs})).values_list(
            "pk", "guid"
        )
    )
    # By its own id the activity of each run is found again.
    client_ids = {run.pk: uuid.uuid4() for run in runs}
    submissions = [
        Submission(
            drafts=[_draft(type_, texts[run.pk], client_ids[run.pk])],
            contact_guid=guids[run.contact_id],
            source=Source(door="python", channel=channels[run.pk], request_id=request_id),
            room=settings.REJECTED_KEPT_PER_REQUEST,
            received_at=now,
        )
        for run in runs
    ]
    written = carry_out(steps_of(submissions))
    recorded = dict(Activity.objects.filter(request_id=request_id).values_list("client_id", "pk"))
    results: dict[int, Result] = {}
    for run, one in zip(runs, written, strict=True):
        problem = one.outcomes[0].problem if one else None
        if problem is None:
            detail = _CUT if len(texts[run.pk]) > MAX_TEXT else ""
            activity_id = recorded.get(client_ids[run.pk])
            results[run.pk] = Passed(detail=detail, activity_id=activity_id)
        elif problem.status == Status.FILTERED:
            results[run.pk] = Passed(Passage.Outcome.SKIPPED, detail=problem.detail)
        else:
            results[run.pk] = Fails(problem.detail)
    return results


def _draft(type_: ActivityType, value: str, client_id: uuid.UUID) -> Draft:
    given = {"type": type_.code_name, "value": value[:MAX_TEXT]}
    return Draft(
        type=given["type"],
        value=given["value"],
        client_id=client_id,
        payload=msgspec.json.encode(given),
    )


def _channels_of(runs: Sequence[Run]) -> dict[int, Channel]:
    by_activity = Run.Cause.ACTIVITY
    params = [
        array_of(run.pk for run in runs),
        array_of(run.contact_id for run in runs),
        array_of((run.cause_id if run.cause == by_activity else None) or "NULL" for run in runs),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS, params)
        found: dict[int, int] = dict(cursor.fetchall())
    channels = Channel.objects.in_bulk(set(found.values()) - {None})
    if not channels:
        raise CannotDo("There is no channel to record activities in: make one.")
    return {run_id: channels[channel_id] for run_id, channel_id in found.items()}
