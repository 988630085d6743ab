"""What is recorded has every column of its table, in whichever way it is written."""

import re
from uuid import uuid4

import pytest
from django.db import connection

from activities import batches
from activities.drafts import Draft
from activities.models import (
    Activity,
    ActivityClaim,
    DataInput,
    EventCount,
    RejectedActivity,
)
from activities.recording import Source
from activities.submissions import Submission
from database.questions import ask
from database.transactions import Ask, Copy
from tests.factories import make_activity_type, make_channel, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "custom_loan"

# Which columns each statement leaves to the database or to a later time.

WAITING = {"due_at", "attempts", "last_error"}
OF_THE_DATABASE = {
    Activity: {"recorded_in"},
    DataInput: {"id", "sent_by_id", "applied_at", *WAITING},
}
REPLAYED = {"replay_id", "replayed", "replayed_as", "replay_code", "replay_reason"}
OF_THE_DATABASE |= {RejectedActivity: {"id", *REPLAYED}, EventCount: {"id"}, ActivityClaim: set()}


def columns_of(model):
    every = {field.column for field in model._meta.concrete_fields if field.column}
    return every - OF_THE_DATABASE[model]


def inserted(sql, model):
    """The columns that a statement in `sql` gives to new rows of `model`."""
    (columns,) = re.findall(rf"INSERT INTO {model._meta.db_table}\s*\(([^)]*)\)", sql)
    return {name.strip() for name in columns.split(",")}


def types_in_database(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = %s",
            [model._meta.db_table],
        )
        return dict(cursor.fetchall())


@pytest.fixture
def written():
    """What the steps write of an activity with everything: SQL, and rows by COPY."""
    make_activity_type(NAME)
    source = Source(door="test", channel=make_channel(), request_id=uuid4())
    submission = Submission(
        drafts=[
            Draft(type="datainput", value="F", contact_fields={"ContactFirstName": "A"}),
            Draft(type=NAME, client_id=str(uuid4())),
            Draft(type="unheard_of"),
        ],
        contact_guid=make_contact().guid,
        source=source,
        room=10,
    )
    asked, copied, answers, steps = [], {}, None, batches.steps_of([submission])
    while True:
        try:
            step = steps.send(answers)
        except StopIteration:
            return "\n".join(question.sql for question in asked), copied
        answers = None
        if isinstance(step, Copy):
            copied[step.table] = step.columns
        elif isinstance(step, Ask):
            asked += step.questions
            answers = ask(*step.questions)


@pytest.mark.parametrize("model", [Activity, ActivityClaim])
def test_function_writes_every_column(model):
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'activities_record'")
        (source,) = cursor.fetchone()

    assert inserted(source, model) == columns_of(model)


@pytest.mark.parametrize("model", [DataInput, ActivityClaim, EventCount])
def test_steps_write_every_column(written, model):
    sql, _ = written

    assert inserted(sql, model) == columns_of(model)


@pytest.mark.parametrize("model", [Activity, RejectedActivity])
def test_copied_rows_have_every_column_in_its_type(written, model):
    _, copied = written
    types = types_in_database(model)

    assert copied[model._meta.db_table] == {name: types[name] for name in columns_of(model)}
