"""Why a contact is in a group."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, moment
from consents.models import ConsentAgreement
from groups.models import ContactGroup, Membership, MembershipEvent
from groups.requesting import cancel_build, request_build
from tests.admin.groups import FROM_USA, activity, in_groups, make_group, rule
from tests.factories import make_activity, make_consent, make_contact

pytestmark = pytest.mark.django_db


def why_url(group, contact):
    return reverse("admin:groups_contactgroup_why", args=[group.pk, contact.pk])


def test_the_page_says_why_a_contact_is_in_a_group(admin_client):
    contact = make_contact(first_name="Nina", country="AUT")
    visit = make_activity(contact, title="Page visit 'Loans'")
    group = make_group(rule=rule(activity(days=30), FROM_USA, match="any"), members=[contact])

    response = admin_client.get(why_url(group, contact))

    html = response.text
    assert response.context["found"]["member"] is True
    assert [part["holds"] for part in response.context["tree"]["parts"]] == [True, False]
    assert f'<a class="font-medium text-link" href="{change_url(visit)}">' in html
    assert "Page visit &#x27;Loans&#x27;" in html
    until = visit.occurred_at + timedelta(days=30)
    assert f"Until {moment(until)}" in html
    assert "Does not hold:" in html


def test_the_page_says_when_the_rule_is_not_built_yet(admin_client):
    contact = make_contact(country="AUT")
    group = make_group(rule=rule(FROM_USA), members=[contact])

    assert (
        "What is new has not been looked at yet" in admin_client.get(why_url(group, contact)).text
    )
    ContactGroup.objects.update(version=2)
    html = admin_client.get(why_url(group, contact)).text

    assert "The rule is not built yet; by it the contact would not be in." in html
    assert "</a> is in <a" in html
    Membership.objects.all().delete()
    ContactGroup.objects.update(version=1)
    assert "would" not in admin_client.get(why_url(group, contact)).text
    cancel_build(request_build(group))
    assert "The rule is not built yet" in admin_client.get(why_url(group, contact)).text


def test_the_page_says_why_at_a_moment_of_the_past(admin_client):
    now = timezone.now()
    contact = make_contact(created_at=now - timedelta(days=9))
    make_activity(contact, occurred_at=now - timedelta(hours=1))
    group = make_group(rule=rule(activity()), rule_changed_at=now - timedelta(days=8))
    ContactGroup.objects.update(rule_changed_at=now - timedelta(days=8))
    then = timezone.localtime(now - timedelta(days=1))

    response = admin_client.get(why_url(group, contact), {"at": f"{then:%Y-%m-%dT%H:%M:%S}"})

    assert response.context["found"]["member"] is False
    assert f'value="{then:%Y-%m-%dT%H:%M:%S}"' in response.text


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("x", "Write a day and a time"),
        ("2026-02-31T10:00", "Write a day and a time"),
        ("0001-01-01T00:00", "Write a day and a time"),
        ("9998-01-01T00:00", "in the future"),
        ("1999-01-01T00:00", "is no longer known"),
        ("\0", "Write a day and a time"),
    ],
)
def test_a_moment_that_cannot_be_explained_is_refused(admin_client, at, expected):
    group, contact = make_group(rule=rule(activity())), make_contact()

    response = admin_client.get(why_url(group, contact), {"at": at})

    assert response.status_code == 200
    assert expected in response.text


def test_why_is_for_users_who_may_see_contacts(log_in):
    client = log_in("view_contactgroup")
    group, contact = make_group(), make_contact()

    assert client.get(why_url(group, contact)).status_code == 403


def test_evidence_is_for_users_who_may_see_it(log_in, admin_client):
    client = log_in("view_contactgroup", "view_contact")
    visit, consent = make_activity(title="Page visit 'Debts'"), make_consent()
    agreement = ConsentAgreement.objects.create(
        contact=visit.contact, consent=consent, agreed=False, at=timezone.now()
    )
    group = make_group(
        rule=rule(activity(), {"type": "consent", "consent": "TrackingConsent", "negate": True})
    )
    url = why_url(group, visit.contact)

    html = client.get(url).text

    assert html.count("Something that you may not see") == 2
    for hidden in ("Debts", change_url(visit), "Revoked", change_url(agreement)):
        assert hidden not in html, hidden
    html = admin_client.get(url).text
    assert "may not see" not in html
    for shown in ("Debts", change_url(visit), "Revoked", change_url(agreement)):
        assert shown in html, shown


def test_an_entry_into_another_group_is_linked(admin_client):
    contact = make_contact()
    other = make_group("other", static=True, members=[contact])
    MembershipEvent.objects.create(group=other, contact=contact, entered=True, cause="user")

    html = admin_client.get(why_url(make_group(rule=rule(in_groups("other"))), contact)).text

    url = f"{change_url(contact)}#groups"
    assert f'<a class="font-medium text-link" href="{url}">Entered “Other”</a>' in html


def test_nobody_who_is_not_there_is_explained(admin_client):
    group, contact = make_group(), make_contact()
    url = why_url(group, contact)
    contact.delete()

    assert admin_client.get(url).status_code == 404


def test_a_static_group_says_that_people_decide(admin_client):
    contact = make_contact()
    group = make_group(static=True, members=[contact])

    assert "users and files decide" in admin_client.get(why_url(group, contact)).text
