"""What is recorded is told the destinations that have chosen it."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consents.agreements import record_agreement
from contacts.editing import update_contact
from contacts.models import ContactChange
from destinations.models import Destination
from groups.membership import add_members, remove_members
from groups.models import MembershipEvent
from tests.destinations.made import (
    deliveries,
    follow,
    make_destination,
    payloads,
    plain_kinds,
    reader_that_has_begun,
    rung,
    told,
)
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)

__all__ = ["plain_kinds", "reader_that_has_begun", "rung"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reader_that_has_begun"),
]


def test_an_activity_of_a_chosen_type_is_told_with_its_contact():
    crm = make_destination(activities=["pagevisit"], fields=["first_name"])
    other = make_destination(activities=["click"])
    contact = make_contact(first_name="Ada", last_name="Byron", email="ada@example.com")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    channel = make_channel(code_name="app")
    activity = make_activity(
        contact, channel=channel, occurred_at=at, properties={"price": 4.5}, referrer="https://a.b/"
    )

    follow()

    (delivery,) = deliveries(crm)
    assert (delivery.kind, delivery.source) == ("activity", f"activity:{activity.pk}")
    assert (delivery.contact, delivery.occurred_at) == (contact, at)
    assert (delivery.status, delivery.attempts) == ("waiting", 0)
    assert delivery.payload == {
        "type": "activity",
        "timestamp": "2026-03-01T12:00:00+00:00",
        "contact": {
            "guid": str(contact.guid),
            "email": "ada@example.com",
            "first_name": "Ada",
        },
        "data": {
            "id": activity.pk,
            "type": "pagevisit",
            "name": "Page visit",
            "title": "Page visit 'Home'",
            "value": "Home",
            "url": "https://www.example.com/",
            "referrer": "https://a.b/",
            "properties": {"price": 4.5},
            "channel": "app",
            "tracked_site": None,
            "recorded_at": activity.recorded_at.isoformat(),
        },
    }
    assert not deliveries(other)


def test_a_worker_is_woken_for_what_waits(rung):
    make_destination(activities=["pagevisit"])
    make_activity(type=make_activity_type())
    follow()
    assert not rung

    make_activity()
    follow()

    assert rung == ["deliveries"]


def test_a_type_that_is_seen_for_the_first_time_is_told():
    crm = make_destination(activities=["File Download Request"])
    activity = make_activity(type=make_activity_type("file download request"))

    follow()

    assert told(crm) == [f"activity:{activity.pk}"]


def test_entries_and_exits_of_chosen_groups_are_told():
    group, other, contact = make_group(), make_group("other"), make_contact()
    crm = make_destination(groups=["Loan-Interest"])

    add_members(group, [contact.pk], cause=MembershipEvent.Cause.USER)
    add_members(other, [contact.pk], cause=MembershipEvent.Cause.USER)
    remove_members(group, [contact.pk], cause=MembershipEvent.Cause.USER)
    follow()

    assert [(one["type"], one["data"]) for one in payloads(crm)] == [
        ("group.entered", {"group": "loan-interest", "name": "Loan-interest", "cause": "user"}),
        ("group.left", {"group": "loan-interest", "name": "Loan-interest", "cause": "user"}),
    ]


def test_answers_to_chosen_consents_are_told():
    consent, other, contact = make_consent(), make_consent("Other"), make_contact()
    crm = make_destination(consents=["trackingconsent"])

    for agreed in (True, False):
        record_agreement(contact, consent, agreed=agreed)
    record_agreement(contact, other, agreed=True)
    follow()

    assert [(one["type"], one["data"]["agreed"]) for one in payloads(crm)] == [
        ("consent", True),
        ("consent", False),
    ]
    assert payloads(crm)[0]["data"]["consent"] == "TrackingConsent"


def test_changed_fields_are_told_if_asked_for():
    contact = make_contact(city="Vienna")
    crm, other = make_destination(changes=True), make_destination()

    update_contact(contact.pk, {"city": "Graz"})
    follow()

    (payload,) = payloads(crm)
    assert (payload["type"], payload["contact"]["city"]) == ("contact", "Graz")
    assert payload["data"] == {
        "source": "code",
        "before": {"city": "Vienna"},
        "after": {"city": "Graz"},
    }
    assert told(crm) == [f"change:{ContactChange.objects.get().pk}"]
    assert not deliveries(other)


def test_only_contacts_who_meet_the_rule_are_told_of():
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    crm = make_destination(activities=["pagevisit"], rule=rule)
    austrian = make_activity(make_contact(country="AUT"))
    make_activity(make_contact(country="DEU"))

    follow()

    assert told(crm) == [f"activity:{austrian.pk}"]


def test_a_rule_that_cannot_be_read_any_more_is_no_rule_for_everybody():
    rule = {"match": "all", "conditions": [{"type": "of_another_version"}]}
    crm = make_destination(activities=["pagevisit"], rule=rule)
    make_activity()

    follow()

    (delivery,) = deliveries(crm)
    assert (delivery.status, delivery.payload) == ("skipped", None)
    assert delivery.reason.startswith("The rule of the destination cannot be read: conditions[0]")


def test_what_was_recorded_while_it_was_switched_off_is_not_told():
    crm = make_destination(activities=["pagevisit"], enabled=False)
    make_activity()
    Destination.objects.update(enabled=True)
    first = make_activity()
    follow()
    assert told(crm) == [f"activity:{first.pk}"]

    Destination.objects.update(enabled=False)
    make_activity()
    follow()
    Destination.objects.update(enabled=True)
    last = make_activity()
    follow()

    assert told(crm) == [f"activity:{first.pk}", f"activity:{last.pk}"]


def test_what_was_recorded_before_the_reader_looks_is_told_although_it_was_saved_meanwhile():
    crm = make_destination(activities=["pagevisit"])
    activity = make_activity()
    Destination.objects.update(name="Another")

    follow()

    assert told(crm) == [f"activity:{activity.pk}"]


def test_a_paused_destination_keeps_what_comes():
    crm = make_destination(activities=["pagevisit"])
    Destination.objects.update(paused_at="2026-01-01T00:00:00Z", paused_by="user")
    make_activity()

    follow()

    assert [one.status for one in deliveries(crm)] == ["waiting"]


def test_a_dump_that_was_restored_elsewhere_is_told():
    """The transaction in which it was switched on is one that is still to come there."""
    crm = make_destination(activities=["pagevisit"])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE destinations_destination DISABLE TRIGGER USER")
        Destination.objects.update(enabled_in="9000000000000")
        cursor.execute("ALTER TABLE destinations_destination ENABLE TRIGGER USER")
    activity = make_activity()

    follow()

    assert told(crm) == [f"activity:{activity.pk}"]
    crm.refresh_from_db()
    assert str(crm.enabled_in) == "0"


def test_messages_go_out_in_the_order_in_which_it_was_recorded():
    crm = make_destination(activities=["pagevisit"])
    activities = [make_activity() for _ in range(20)]

    follow()

    assert told(crm) == [f"activity:{activity.pk}" for activity in activities]


def test_a_batch_costs_as_many_queries_however_many_rows_and_destinations_there_are():
    channel, consent = make_channel(), make_consent()

    def queries_for(number):
        for _ in range(number):
            make_activity(channel=channel)
        with CaptureQueriesContext(connection) as queries:
            follow()
        return len(queries)

    make_destination(activities=["pagevisit"], consent=consent)
    queries_for(1)
    one = queries_for(1)
    for _ in range(5):
        make_destination(activities=["pagevisit"], consent=consent)

    assert queries_for(20) == one
