"""An objection to direct marketing: what it stops, and what a user still has to stop."""

import pytest

from automations.emails.permission import obstacles
from automations.models import Suppression
from consents.agreements import is_agreed, record_agreement
from destinations.models import Destination
from destinations.saving import save_destination
from groups.membership import code_names_of
from groups.models import ContactGroup
from privacy.requests.objecting import (
    GROUP,
    destinations_that_go_on,
    object_to_marketing,
    what_stops,
)
from privacy.requests.people import CannotDo
from tests.automations.running import enter, make_automation
from tests.contacts.merged import merge
from tests.factories import make_consent, make_contact
from tests.privacy.asked import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return make_contact(email="ann@example.com")


def test_an_objection_stops_consents_emails_and_automations(ann, admin_user):
    news, tracking = make_consent("News", name="News"), make_consent()
    record_agreement(ann, news, agreed=True)
    record_agreement(ann, tracking, agreed=True)
    run = enter(make_automation({"type": "wait", "for": "2 days"}), ann)
    stops = what_stops(ann)
    assert (stops.consents, stops.runs, stops.is_suppressed) == ([news, tracking], 1, False)
    request = ask("objection", ann)

    object_to_marketing(request.pk, stops.consents, suppresses=True, by=admin_user)

    request.refresh_from_db()
    run.refresh_from_db()
    assert (request.status, request.ended_by) == ("done", admin_user)
    assert not is_agreed(ann, news)
    assert not is_agreed(ann, tracking)
    assert (run.status, run.reason) == ("stopped", "Objected to direct marketing.")
    assert Suppression.objects.get().email_key == "ann@example.com"
    assert code_names_of(ann.pk) == [GROUP]
    assert list(request.events.filter(kind="objection").values_list("says", flat=True)) == [
        "Revoked “News”, “Tracking consent”.",
        "The email gets no more emails.",
        "Stopped the way through 1 automation.",
        "Added to the group “Objected to direct marketing”.",
    ]


def test_transactional_emails_may_go_on(ann, admin_user):
    request = ask("objection", ann)

    object_to_marketing(request.pk, [], suppresses=False, by=admin_user)

    assert obstacles([ann.pk], consent_id=None) == {}
    assert not Suppression.objects.exists()


def test_a_second_objection_uses_the_same_group(ann, admin_user):
    other = make_contact()
    for contact in (ann, other):
        object_to_marketing(ask("objection", contact).pk, [], suppresses=False, by=admin_user)

    assert ContactGroup.objects.count() == 1
    assert code_names_of(other.pk) == [GROUP]


def test_the_objection_of_somebody_merged_counts_for_who_they_are(ann, admin_user):
    other = make_contact()
    request = ask("objection", other)
    merge(ann, other)

    object_to_marketing(request.pk, [], suppresses=True, by=admin_user)

    assert code_names_of(ann.pk) == [GROUP]
    assert Suppression.objects.get().email_key == "ann@example.com"


def test_a_group_with_a_rule_in_its_place_is_told(ann, admin_user):
    rule = {"match": "all", "conditions": []}
    ContactGroup.objects.create(code_name=GROUP, name="Other", static=False, rule=rule)

    with pytest.raises(CannotDo, match="has a rule"):
        object_to_marketing(ask("objection", ann).pk, [], suppresses=True, by=admin_user)


def test_another_request_is_no_objection(ann, admin_user):
    with pytest.raises(CannotDo, match="no objection"):
        object_to_marketing(ask("access", ann).pk, [], suppresses=True, by=admin_user)


def make_destination(name, **fields):
    destination = Destination(
        name=name,
        code_name=name.lower(),
        url="https://crm.example.com/",
        activities=["pagevisit"],
        **{"enabled": True, **fields},
    )
    save_destination(destination)
    return destination


def test_destinations_that_ask_for_nothing_are_named_until_they_leave_objectors_out():
    leaf = {"type": "group", "groups": [GROUP], "negate": True}
    ContactGroup.objects.create(code_name=GROUP, name="Objected", static=True)
    ads = make_destination("Ads")
    make_destination("Asks", consent=make_consent())
    make_destination("Off", enabled=False)
    make_destination("Without", rule={"match": "all", "conditions": [leaf]})

    assert destinations_that_go_on() == [ads]
