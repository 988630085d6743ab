"""What people agreed to, as Commanders Act-format events tell it, and who is not tracked for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import Activity, RejectedActivity
from consents.agreements import is_agreed, record_agreement
from consents.models import ConsentAgreement
from contacts.models import Contact
from tests.factories import make_consent, make_contact
from tests.wire.source import BROWSER, EventSource, event, query_of
from tracking.models import ConsentCategory

pytestmark = pytest.mark.django_db


@pytest.fixture
def consent(source):
    """A consent that category 3 of the source stands for."""
    consent = make_consent()
    ConsentCategory.objects.create(channel=source.channel, category="3", consent=consent)
    return consent


def test_a_consent_category_that_became_a_float_is_agreed_to(source, consent):
    activity = source.send(event(user={"consent_categories": [1.0, 3.0]}))

    assert is_agreed(activity.contact, consent)


def test_categories_become_agreements_and_their_absence_a_revocation(source, consent):
    contact = source.send(event(user={"consent_categories": ["1", "3"]})).contact
    assert is_agreed(contact, consent)

    source.send(event(user={"consent_categories": [1, 3]}))
    assert ConsentAgreement.objects.count() == 1

    source.send(event(user={"consent_categories": [1]}))
    assert not is_agreed(contact, consent)
    answer = ConsentAgreement.objects.order_by("-id").first()
    assert (answer.agreed, answer.channel) == (False, source.channel)
    source.send(event())
    source.send(event(user={"consent_categories": []}))
    assert ConsentAgreement.objects.count() == 2


def test_category_of_another_channel_means_nothing(consent):
    other = EventSource()

    other.send(event(user={"consent_categories": ["3"]}))

    assert ConsentAgreement.objects.count() == 0


def test_no_is_not_recorded_of_somebody_who_was_never_asked(source, consent):
    source.send(event(user={"consent_categories": ["1"]}))

    assert ConsentAgreement.objects.count() == 0


def test_the_latest_answer_counts_whenever_it_arrives(source, consent):
    contact = source.send(event(user={"consent_categories": ["3"]})).contact
    yesterday = (timezone.now() - timedelta(days=1)).isoformat()

    source.send(event(user={"consent_categories": []}, context={"event_timestamp": yesterday}))
    assert is_agreed(contact, consent)

    tomorrow = (timezone.now() + timedelta(hours=5)).isoformat()
    source.send(event(user={"consent_categories": []}, context={"event_timestamp": tomorrow}))
    assert not is_agreed(contact, consent)
    source.send(event(user={"consent_categories": ["3"]}))
    assert is_agreed(contact, consent)


def track_with(source, consent, **fields):
    source.channel.tracking_consent = consent
    for name, value in fields.items():
        setattr(source.channel, name, value)
    source.channel.save()


def test_browser_of_somebody_who_does_not_agree_is_not_tracked(source, consent):
    track_with(source, consent)

    response = source.post(event(id="A-1", user={"consent_categories": ["1"]}), headers=BROWSER)

    assert response.status_code == 200
    assert not response.cookies
    assert Activity.objects.count() == Contact.objects.count() == 0
    row = RejectedActivity.objects.get()
    assert (row.status, row.code) == ("filtered", "not_agreed")
    assert bytes(row.payload) == b""


def test_revocation_in_a_browser_is_recorded_and_ends_tracking(source, consent):
    track_with(source, consent)
    contact = source.send(event(user={"consent_categories": ["3"]}), headers=BROWSER).contact

    source.post(event(user={"consent_categories": []}), headers=BROWSER)
    assert not is_agreed(contact, consent)

    # Whatever the page asks for, now or later.
    source.post(event(), headers=BROWSER)
    assert Activity.objects.count() == 1
    assert set(RejectedActivity.objects.values_list("status", flat=True)) == {"filtered"}


def test_browser_whose_user_never_agreed_is_not_tracked_whatever_an_event_leaves_out(
    source, consent
):
    track_with(source, consent)

    source.post(event(), headers=BROWSER)
    source.post(event(user={"consistent_anonymous_id": ""}), headers=BROWSER)
    assert not Contact.objects.exists()

    known = make_contact(email="ada@example.com")
    source.post(event(user={"email": known.email, "consent_categories": []}), headers=BROWSER)
    source.post(event(user={"email": known.email}), headers=BROWSER)
    assert not Activity.objects.exists()
    assert set(RejectedActivity.objects.values_list("code", flat=True)) == {"not_agreed"}

    record_agreement(known, consent, agreed=True)
    source.send(event(user={"email": known.email}), headers=BROWSER)


def test_server_answers_for_consent_itself_unless_the_channel_enforces_it(source, consent):
    track_with(source, consent)
    refusing = event(user={"consent_categories": []})
    source.send(refusing)

    track_with(source, consent, enforce_consent=True)
    source.post(refusing)

    assert Activity.objects.count() == 1
    assert RejectedActivity.objects.get().status == "filtered"


def test_contact_who_revoked_elsewhere_is_not_tracked_in_browsers(source, consent):
    track_with(source, consent)
    contact = make_contact(email="ada@example.com")
    record_agreement(contact, consent, agreed=False)

    source.post(event(user={"email": "ada@example.com"}), headers=BROWSER)

    assert Activity.objects.count() == 0
    row = RejectedActivity.objects.get()
    assert (row.code, bytes(row.payload)) == ("not_agreed", b"")


@pytest.mark.parametrize("user", [{"id": "7"}, {}])
def test_event_without_cookies_is_recorded_and_leaves_none(source, user):
    query = f"tc_do_not_track=true&{query_of(source)}"
    source.http.cookies["CAID"] = "browser-9"

    for _ in range(2):
        response = source.post({"event_name": "a", "user": user}, query=query, headers=BROWSER)

        assert (response.status_code, "CAID" in response.cookies) == (200, False)
    assert Activity.objects.count() == 2
    # Who is not named is somebody else each time, and none whom the cookie names.
    assert Contact.objects.count() == (1 if user else 2)
    assert not RejectedActivity.objects.exists()


def test_event_without_cookies_still_needs_an_agreement_where_others_do(source):
    consent = make_consent()
    source.channel.tracking_consent = consent
    source.channel.save()
    ConsentCategory.objects.create(channel=source.channel, category="1", consent=consent)
    query = f"tc_do_not_track=true&{query_of(source)}"

    source.post(event(), query=query, headers=BROWSER)

    assert RejectedActivity.objects.get().code == "not_agreed"
