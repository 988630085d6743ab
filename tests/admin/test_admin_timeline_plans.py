"""How PostgreSQL reads the timeline of a contact: by indexes, however much there is."""

from copy import copy
from datetime import UTC, datetime

import pytest
from django.db.models import Q

from contacts.admin.timeline import Position, kinds_for
from tests.factories import make_contact
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

INDEXES = {
    "activities": {"activities_of_a_contact"},
    "agreements": {"latest_agreements_of_a_contact"},
    "groups": {"entries_of_a_contact"},
    "merges": {"merges_that_one_survived", "merges_that_one_lost"},
    "automations": {"runs_of_a_contact"},
    "emails": {"emails_of_a_contact"},
    "email-events": {"email_events_of_a_contact"},
}


def copy_of(activity):
    again = copy(activity)
    again.pk = None
    return again


def plans_of(user, name, condition=None):
    """How PostgreSQL reads the rows of a kind if it sorts only where it has to."""
    contact = make_contact()
    (kind,) = [one for one in kinds_for(user) if one.name == name]
    return [
        plan_of(
            rows.filter(condition(kind) if condition else Q()).order_by(f"-{kind.at}", "-pk")[:51],
            without=("seqscan", "bitmapscan", "sort", "incremental_sort", "hashjoin", "mergejoin"),
        )
        for rows in kind.rows(contact, user)
    ]


@pytest.mark.parametrize("name", INDEXES)
def test_each_kind_is_read_from_its_indexes(admin_user, name):
    plans = plans_of(admin_user, name)

    assert {one for plan in plans for one in INDEXES[name] if one in plan} == INDEXES[name]
    assert "Sort" not in "".join(plans)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        *(("activities", "occurred_at"), ("agreements", "at"), ("groups", "at")),
        *(("automations", "entered_at"), ("emails", "prepared_at"), ("email-events", "at")),
    ],
)
def test_an_older_page_begins_within_the_index(admin_user, name, at):
    (plan,) = plans_of(admin_user, name, Position(NOON, name, 1).after)

    assert "Sort" not in plan
    assert any("Index Cond" in line and f"{at} <=" in line for line in plan.splitlines())


def test_data_inputs_are_read_by_their_contact_or_in_the_order_of_its_activities(admin_user):
    own, sent = plans_of(admin_user, "data-inputs")

    assert "data_inputs_of_a_contact" in own or "activities_of_a_contact" in own
    assert "sent_by_others" in sent
    assert "Seq Scan" not in own + sent
