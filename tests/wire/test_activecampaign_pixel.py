"""The pixel of ActiveCampaign-format site tracking: page visits of contacts who are known."""

from urllib.parse import quote, urlencode

import pytest

from activities.models import Activity, ActivityType, RejectedActivity
from consents.agreements import record_agreement
from contacts.models import Contact
from tests.factories import make_consent, make_contact
from tests.wire.activecampaign import EMAIL, Account
from tests.wire.app import rejection_of

pytestmark = pytest.mark.django_db

PAGE = "https://shop.example/loans?year=2026&kind=car"
BEFORE = "https://search.example/"


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def contact():
    return make_contact(email=EMAIL)


def show(account, **changes):
    """Ask for the picture as a page does; a parameter that is None is left out."""
    given = {"actid": account.channel.account_id, "e": EMAIL, "r": BEFORE, "u": PAGE, **changes}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    response = account.http.get(f"/visit?{query}", headers={"Sec-Fetch-Mode": "no-cors"})
    assert_picture(response)
    return response


def assert_picture(response, status=200):
    assert response.status_code == status
    assert response["Content-Type"] == "image/gif"
    assert response["Cache-Control"] == "no-store, private"
    assert response.content.startswith(b"GIF89a\x01\x00\x01\x00")


def test_picture_records_a_page_visit_of_the_contact_with_the_email(account, contact):
    response = show(account)

    activity = Activity.objects.get(request_id=response["Request-Id"])
    assert activity.contact == contact
    assert activity.channel == account.channel
    assert activity.type.code_name == "pagevisit"
    assert (activity.url, activity.referrer) == (PAGE, BEFORE)
    assert activity.title == "Page visit"
    assert RejectedActivity.objects.count() == 0


@pytest.mark.parametrize("path", ["/visit/", "/visit"])
@pytest.mark.parametrize("email", ["ADA@Example.com", quote(EMAIL)])
def test_spelling_of_path_and_email_makes_no_difference(account, contact, path, email):
    query = urlencode({"actid": account.channel.account_id, "e": email, "u": PAGE})

    assert_picture(account.http.get(f"{path}?{query}"))

    assert Activity.objects.get().contact == contact


def test_address_beyond_ascii_is_kept_as_it_is(account, contact):
    query = f"actid={account.channel.account_id}&e={EMAIL}&u=https://shop.example/"

    account.http.get("/visit", QUERY_STRING=f"{query}prêts&r=%FF".encode().decode("latin-1"))

    activity = Activity.objects.get()
    assert activity.url == "https://shop.example/prêts"
    assert activity.referrer == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"actid": None}, "missing_field", "actid"),
        ({"actid": "1"}, "unknown_account", "actid"),
        ({"actid": "\0"}, "unknown_account", "actid"),
        ({"e": None}, "missing_email", "e"),
        ({"e": ""}, "missing_email", "e"),
        ({"e": "nobody@example.com"}, "unknown_contact", "e"),
        ({"e": "undefined"}, "unknown_contact", "e"),
        ({"e": f"{EMAIL}\0"}, "unknown_contact", "e"),
        ({"u": None}, "missing_url", "url"),
        ({"u": "nul \0"}, "bad_text", "url"),
        ({"r": "nul \0"}, "bad_text", "referrer"),
        ({"u": None, "u[]": PAGE}, "wrong_type", "url"),
    ],
)
def test_visit_that_is_not_recorded_is_a_picture_and_kept(account, contact, changes, code, field):
    make_contact()  # somebody without an email, who must not be taken for them

    response = show(account, **changes)

    assert Activity.objects.count() == 0
    assert Contact.objects.count() == 2
    row = rejection_of(response)
    assert (row.code, row.field, row.door) == (code, field, "activecampaign")
    assert b"r=" in bytes(row.payload)
    assert row.channel == (None if field == "actid" else account.channel)


def test_visit_is_not_recorded_while_event_tracking_is_off(account, contact):
    account.channel.event_tracking_enabled = False
    account.channel.save()

    assert rejection_of(show(account)).code == "event_tracking_off"


def test_visits_are_refused_like_those_of_other_doors_when_their_type_is_disabled(account, contact):
    ActivityType.objects.filter(code_name="pagevisit").update(enabled=False)

    assert rejection_of(show(account)).code == "disabled_type"


@pytest.mark.parametrize(
    ("answers", "recorded"), [([], True), ([True], True), ([True, False], False)]
)
def test_what_the_contact_has_revoked_is_respected(account, contact, answers, recorded):
    consent = make_consent()
    account.channel.tracking_consent = consent
    account.channel.save()
    for agreed in answers:
        record_agreement(contact, consent, agreed=agreed, channel=account.channel)

    show(account)

    assert Activity.objects.count() == recorded
    rows = [(row.code, bytes(row.payload)) for row in RejectedActivity.objects.all()]
    assert rows == [("consent", b"")] * (not recorded)


def test_whoever_knows_the_account_cannot_fill_the_inspector(account, settings):
    settings.REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = 2

    for _ in range(4):
        show(account, u=PAGE + "x" * 10_000)

    assert [len(row.payload) for row in RejectedActivity.objects.all()] == [4096, 4096]


@pytest.mark.parametrize("method", ["get", "head"])
def test_read_only_hub_is_503_with_a_picture(account, contact, settings, method):
    settings.READ_ONLY = True

    response = getattr(account.http, method)(f"/visit?actid={account.channel.account_id}")

    assert response.status_code == 503
    assert response["Content-Type"] == "image/gif"
    assert response["Retry-After"] == "120"
    assert RejectedActivity.objects.count() == 0


def test_switched_off_api_is_404_with_a_picture(account, settings):
    settings.TRACKING_API_ENABLED = False

    assert_picture(account.http.get("/visit"), 404)


def test_visit_costs_few_queries(account, contact, django_assert_max_num_queries):
    show(account)

    with django_assert_max_num_queries(11):
        show(account)
