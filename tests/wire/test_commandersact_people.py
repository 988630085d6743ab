"""Who did what Commanders Act-format events tell, what is told of them, and calls from browsers."""

import hashlib
import re

import pytest
from django.utils import timezone

from activities.models import Activity, RejectedActivity
from contacts.merging import carry_out_merges
from contacts.models import Contact, ContactMerge
from tests.factories import make_channel, make_contact
from tests.wire.source import BROWSER, EventSource, event
from tests.work import do_data_inputs
from tracking.models import UserProperty

pytestmark = pytest.mark.django_db


# Who it was


def test_server_side_events_of_one_anonymous_id_are_one_contact(source):
    first, second = source.send(event()), source.send(event("page_view"))

    assert first.contact == second.contact
    assert not first.contact.email


def test_user_on_two_devices_is_one_contact(source):
    phone = source.send(event(user={"consistent_anonymous_id": "phone", "id": "1234"}))
    laptop = source.send(event(user={"consistent_anonymous_id": "laptop", "id": "1234"}))

    assert phone.contact == laptop.contact


def test_an_id_that_became_a_float_is_the_same_user(source):
    sent = [event(user={"consistent_anonymous_id": "", "id": n}) for n in (4711, "4711", 4711.0)]
    sent += [event(user={"consistent_anonymous_id": "", "id": "4711.0"})]

    assert len({source.send(one).contact for one in sent}) == 1


def test_codes_of_a_user_lose_the_fraction(source):
    activity = source.send(event(user={"zipcode": 75001.0, "phone": 33612345678.0, "id": 7.0}))
    do_data_inputs()

    contact = activity.contact
    contact.refresh_from_db()
    assert (contact.zip, contact.mobile_phone) == ("75001", "33612345678")


def test_an_event_id_that_became_a_float_counts_once(source):
    for event_id in (17, 17.0, "17.0"):
        source.post(event(context={"event_id": event_id}))

    assert Activity.objects.count() == 1


@pytest.mark.parametrize("country", ["XK", "xkx"])
def test_kosovo_is_a_country(source, country):
    contact = source.send(event(user={"country": country})).contact
    do_data_inputs()

    contact.refresh_from_db()
    assert contact.country == "XKX"


@pytest.mark.parametrize(
    "user",
    [
        {"email": "ADA@example.com"},
        {"email_sha256": hashlib.sha256(b"ada@example.com").hexdigest()},
        {"email_md5": hashlib.md5(b"ada@example.com").hexdigest().upper()},
    ],
)
def test_event_is_of_the_contact_who_has_the_email(source, user):
    contact = make_contact(email="ada@example.com", first_name="Ada")

    assert source.send(event(user=user)).contact == contact


def test_anonymous_history_comes_along_when_somebody_is_identified(source):
    known = make_contact(email="ada@example.com")
    before = source.send(event("page_view"))

    source.send(event("login", user={"email": "ada@example.com"}))
    merge = ContactMerge.objects.get()
    assert merge.status == ContactMerge.Status.PENDING

    carry_out_merges([merge.pk])
    before.refresh_from_db()
    assert before.contact == known


def test_mapping_is_the_table_of_the_admin(source):
    UserProperty.objects.filter(name="firstname").delete()
    UserProperty.objects.create(name="employer", contact_field="ContactCompanyName")

    activity = source.send(event(user={"firstname": "Ada", "employer": "Analytical Engines"}))
    do_data_inputs()

    contact = Contact.objects.get()
    assert (contact.first_name, contact.company_name) == ("", "Analytical Engines")
    assert activity.properties["user"]["firstname"] == "Ada"


# Browsers


def anonymous(name="page_view"):
    return {"event_name": name, "user": {}}


def test_new_browser_gets_a_cookie_and_is_recognised_by_it(source):
    response = source.post(anonymous(), headers=BROWSER)

    cookie = response.cookies["CAID"]
    assert re.fullmatch(r"\d{26}", cookie.value)
    assert cookie.value.startswith(f"{timezone.now():%Y%m%d}")
    assert (cookie["max-age"], cookie["samesite"]) == (31_536_000, "None")
    assert cookie["httponly"]
    assert cookie["secure"]

    again = source.post(anonymous("search"), headers=BROWSER)
    assert not again.cookies
    assert Contact.objects.count() == 1
    assert Activity.objects.count() == 2


@pytest.mark.parametrize("name", ["CAID", "TCID"])
def test_cookie_of_the_browser_tells_who_it_is(source, name):
    source.http.cookies[name] = "20260305101530123456"

    first = source.send(anonymous(), headers=BROWSER)
    by_server = source.send(event(user={"consistent_anonymous_id": "20260305101530123456"}))

    assert first.contact == by_server.contact


def test_batch_of_a_new_browser_is_one_contact(source):
    source.post_batch(anonymous(), anonymous(), headers=BROWSER)

    assert Contact.objects.count() == 1


def test_pixel_of_a_new_browser_gets_a_cookie(source):
    site, key = source.channel.site_id, source.channel.source_key
    path = f"/events?tc_s={site}&token={key}&event_name=page_view"

    response = source.http.get(
        path, headers={"Sec-Fetch-Mode": "no-cors", "User-Agent": "Mozilla/5.0 Firefox/140.0"}
    )

    assert "CAID" in response.cookies
    assert Activity.objects.count() == 1


def test_older_browsers_and_pages_without_https_are_told_by_the_page_they_come_from(source):
    site, key = source.channel.site_id, source.channel.source_key
    path = f"/events?tc_s={site}&token={key}&event_name=page_view"

    response = source.http.get(
        path, headers={"Referer": "http://shop.example/", "User-Agent": "Mozilla/5.0 Firefox/89.0"}
    )

    assert "CAID" in response.cookies
    assert Activity.objects.count() == 1


def test_servers_get_no_cookie(source):
    assert not source.post(event()).cookies
    source.post(anonymous())
    assert RejectedActivity.objects.get().code == "no_identity"


def test_robots_become_nobody(source):
    robot = {"Origin": "https://shop.example", "User-Agent": "Googlebot/2.1"}

    response = source.post(anonymous(), headers=robot)

    assert not response.cookies
    assert RejectedActivity.objects.get().code == "robot"
    assert Contact.objects.count() == 0


def test_one_address_becomes_so_many_contacts_only(source, settings):
    settings.NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR = 2

    for _ in range(4):
        source.http.cookies.clear()
        source.post(anonymous(), headers=BROWSER)

    assert Contact.objects.count() == 2
    codes = set(RejectedActivity.objects.values_list("code", flat=True))
    assert codes == {"too_many_visitors"}


@pytest.mark.parametrize("path", ["/events", "/cdp/events", "/events/batch"])
def test_preflight_is_answered_for_every_page_with_credentials(source, path):
    response = source.http.options(
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert response["Access-Control-Allow-Headers"] == "content-type"


def test_answer_may_be_read_by_every_page_with_credentials(source):
    response = source.post(event(), headers=BROWSER)

    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert response["Access-Control-Allow-Credentials"] == "true"


def test_known_contact_costs_few_queries(source, django_assert_max_num_queries):
    source.send(event())

    with django_assert_max_num_queries(16):
        source.post(event())


def test_website_channels_are_sources_too():
    source = EventSource(make_channel(kind="website", domain="shop.example"))

    assert source.send(event()).channel == source.channel


@pytest.mark.django_db(transaction=True)
def test_events_of_several_people_in_a_batch_are_one_commit(source):
    events = [event(user={"consistent_anonymous_id": f"browser-{n}"}) for n in range(5)]

    source.post_batch(*events)

    assert Activity.objects.values("contact").distinct().count() == 5
    assert Activity.objects.values("recorded_in").distinct().count() == 1


# User properties


def test_user_properties_reach_the_contact(source):
    activity = source.send(
        event(
            user={
                "id": "1234",
                "email": "ada@example.com",
                "firstname": "Ada",
                "lastname": "Lovelace",
                "birthdate": "1985-12-10",
                "phone": "+33612345678",
                "street": "1 Rue du Pont",
                "city": "Lyon",
                "zipcode": 69001,
                "country": "FR",
                "state": "Auvergne-Rhône-Alpes",
                "gender": "f",
            }
        )
    )
    do_data_inputs()

    contact = Contact.objects.get()
    assert (contact.email, contact.full_name) == ("ada@example.com", "Ada Lovelace")
    assert contact.birthday.isoformat() == "1985-12-10"
    assert contact.mobile_phone == "+33612345678"
    assert (contact.address1, contact.zip, contact.city) == ("1 Rue du Pont", "69001", "Lyon")
    assert (contact.country, contact.state) == ("FRA", "")
    assert activity.properties["user"] == {
        "consistent_anonymous_id": "browser-1",
        "id": "1234",
        "state": "Auvergne-Rhône-Alpes",
        "gender": "f",
    }
    assert RejectedActivity.objects.count() == 0


def test_wrong_user_properties_are_left_out_and_reported(source):
    activity = source.send(
        event(user={"id": "7", "firstname": "Ada", "email": "none", "birthdate": "10/12/1985"})
    )
    do_data_inputs()

    contact = Contact.objects.get()
    assert (contact.first_name, contact.email, contact.birthday) == ("Ada", "", None)
    assert activity.properties["user"]["birthdate"] == "10/12/1985"
    row = RejectedActivity.objects.get()
    assert row.status == "invalid_accepted"
    assert (row.code, row.field) == ("bad_user_property", "user.email")
    assert "user.birthdate was left out" in row.reason


def test_what_is_known_by_now_is_no_work_for_anybody(source):
    known = event(user={"id": "7", "firstname": "Ada", "birthdate": "1985-12-10"})
    source.send(known)
    do_data_inputs()

    activity = source.send(known)

    assert not hasattr(activity, "data_input")
    assert hasattr(source.send(event(user={"id": "7", "firstname": "Ann"})), "data_input")
