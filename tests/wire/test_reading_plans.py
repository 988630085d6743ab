"""What the read API asks the database is found by an index, whatever the size of the hub."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import ContactChange, ContactIdentifier
from tests.factories import make_activity, make_contact, make_group
from tests.plans import plan_of
from tests.wire.reader import Reader

pytestmark = pytest.mark.django_db


def plans_of(path, **parameters):
    """The plans of the statements behind a page."""
    reader = Reader()
    reader.get_json(path, **parameters)
    with CaptureQueriesContext(connection) as captured:
        reader.get_json(path, **parameters)
    return [
        plan_of(query["sql"], without=("seqscan", "bitmapscan", "sort"))
        for query in captured
        # Of prepared statements the parameters are not told.
        if query["sql"].startswith("SELECT") and "$1" not in query["sql"]
    ]


def plan_with(plans, table):
    return next(plan for plan in plans if f" on {table} " in plan and "Limit" in plan)


def test_the_next_page_of_contacts_is_entered_at_its_place():
    first = make_contact()
    make_contact()
    cursor = Reader().get_json("/contacts", limit=1)["next"]

    plan = plan_with(plans_of("/contacts", limit=1, cursor=cursor), "contacts_contact")

    assert "Index Scan using contacts_contact_pkey" in plan
    assert f"id > {first.pk}" in plan
    assert "Sort" not in plan


def test_what_has_changed_is_entered_at_its_place():
    contact = make_contact()
    for city in ("Ulm", "Linz"):
        ContactChange.objects.create(
            contact=contact, source="code", before={"city": ""}, after={"city": city}
        )
    asked = {"changed_since": "2026-01-01T00:00:00Z", "limit": 1}
    cursor = Reader().get_json("/contacts", **asked)["next"]

    plan = plan_with(plans_of("/contacts", **asked, cursor=cursor), "contacts_contactchange")

    assert "changes_by_time" in plan
    assert "Sort" not in plan


def test_identifiers_are_found_by_site_kind_and_value():
    contact = make_contact()
    ContactIdentifier.objects.create(contact=contact, site_id="1", kind="user_id", value="7")

    plans = plans_of("/contacts", identifier="7")

    plan = next(plan for plan in plans if "one_contact_per_identifier" in plan)
    (condition,) = [line for line in plan.splitlines() if "Index Cond" in line and "'7'" in line]
    assert "site_id" in condition
    assert "kind" in condition


def test_each_kind_of_a_timeline_is_read_in_the_order_of_an_index():
    contact = make_contact()
    for _ in range(3):
        make_activity(contact)
    path = f"/contacts/{contact.guid}/timeline"
    cursor = Reader().get_json(path, limit=1)["next"]
    indexes = {
        "activities_activity": "activities_of_a_contact",
        "contacts_contactchange": "changes_of_a_contact",
        "consents_consentagreement": "latest_agreements_of_a_contact",
        "groups_membershipevent": "entries_of_a_contact",
        "automations_run": "runs_of_a_contact",
        "automations_emailevent": "email_events_of_a_contact",
        "automations_email": "emails_of_a_contact",
    }
    plans = plans_of(path, limit=1, cursor=cursor)

    for table, index in indexes.items():
        plan = plan_with(plans, table)
        assert index in plan
        assert "Sort" not in plan


def test_members_are_read_in_the_order_of_their_index():
    make_group("vip", members=[make_contact(), make_contact()])
    cursor = Reader().get_json("/groups/vip/members", limit=1)["next"]

    plan = plan_with(plans_of("/groups/vip/members", limit=1, cursor=cursor), "groups_membership")

    assert "one_membership_per_group_and_contact" in plan
    assert "Sort" not in plan
