"""The usual way of recording: one call of a function in the database for a whole group."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import psycopg
from django.db import Error
from psycopg.types.json import Json

from activities.batches import additions_of
from activities.drafts import CheckedActivity
from activities.submissions import ACCEPTED, NOBODY, Outcome, Submission, Written
from database.cursors import array_of
from database.questions import Question, nothing

# What that function raises, having written nothing, if something is not usual.
_NOT_USUAL = "TL001"


def in_one_call(
    requests: Sequence[Sequence[Submission]],
) -> tuple[list[Question[None]], list[Submission]]:
    """The statements that record the usual ones of these requests; and what they brought.

    They are one transaction, in one round trip. If something has changed since the activities were
    checked they raise what `is_not_usual` knows, and nothing is written.
    """
    usual: list[Submission] = []
    rows: list[_JsonRow] = []
    versions: dict[int, int] = {}
    for request in requests:
        found = [(activity, one) for one in request for activity in one.find_usual() or ()]
        if len(found) < sum(len(one.drafts) or one.contact_guid != NOBODY for one in request):
            continue
        if any(
            versions.setdefault(activity.type.id, activity.type.version) != activity.type.version
            for activity, _ in found
        ):
            continue
        usual += request
        rows += [_json_row(activity, submission) for activity, submission in found]
    questions = [] if not rows else [_record_call(rows, versions)]
    return [*questions, *additions_of(map(_all_accepted, usual), usual)], usual


def _record_call(rows: list["_JsonRow"], versions: Mapping[int, int]) -> Question[None]:
    return Question(
        "SELECT activities_record(%s::json, %s::bigint[], %s::bigint[])",
        [
            # As bytes: a text with one letter of a rare script takes four times as much.
            Json(msgspec.json.encode(rows), dumps=bytes),
            array_of(versions),
            array_of(versions.values()),
        ],
        nothing,
    )


def is_not_usual(error: Error) -> bool:
    """Whether `error` is what the statements of `in_one_call` end with if something has changed."""
    return isinstance(error.__cause__, psycopg.Error) and error.__cause__.sqlstate == _NOT_USUAL


def all_accepted(submission: Submission) -> Written:
    """What became of a submission that was recorded in one call."""
    return Written(outcomes=_all_accepted(submission))


def _all_accepted(submission: Submission) -> list[Outcome]:
    return [ACCEPTED] * len(submission.drafts)


class _JsonRow(msgspec.Struct, omit_defaults=True):
    """An activity as the function `activities_record` takes it."""

    contact: UUID
    type: int
    channel: int
    title: str
    occurred: datetime
    received: datetime
    request: UUID
    site: int | None = None
    value: str = ""
    url: str = ""
    referrer: str = ""
    properties: msgspec.Raw | None = None
    client: UUID | None = None


def _json_row(activity: CheckedActivity, submission: Submission) -> _JsonRow:
    source = submission.source
    return _JsonRow(
        submission.contact_guid,
        activity.type.id,
        source.channel.id,
        activity.title,
        activity.occurred_at,
        submission.received_at,
        source.request_id,
        source.tracked_site_id,
        activity.value,
        activity.url,
        activity.referrer,
        msgspec.Raw(activity.properties) if activity.properties else None,
        activity.client_id,
    )
