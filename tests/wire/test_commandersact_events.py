"""Commanders Act-format events, in every shape and encoding that sources send."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from django.utils import timezone

from activities.models import Activity, RejectedActivity
from channels.models import Channel
from contacts.models import Contact
from tests.factories import make_channel
from tests.wire.source import BROWSER, EventSource, event, query_of

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 5, 10, 15, 30, 446_000, tzinfo=UTC)
MILLISECONDS = 1772705730446


def test_event_becomes_an_activity_with_a_readable_title(source):
    activity = source.send(
        event("purchase", id="A-1042", value=89.9, currency="EUR", user={"id": "1234"})
    )

    assert activity.title == "Purchase 'A-1042' 89.90 EUR"
    assert activity.value == "A-1042"
    assert activity.channel == source.channel
    assert activity.type.code_name == "purchase"
    assert activity.type.name == "Purchase"
    assert activity.type.door == "commandersact"
    assert activity.properties == {
        "id": "A-1042",
        "value": 89.9,
        "currency": "EUR",
        "user": {"consistent_anonymous_id": "browser-1", "id": "1234"},
    }


@pytest.mark.parametrize("path", ["/events", "/cdp/events", "/events/"])
def test_answer_is_200_and_empty(source, path):
    response = source.post(event(), path)

    assert response.status_code == 200
    assert response.content == b""
    assert response["Content-Length"] == "0"
    assert Activity.objects.get().request_id.hex == response["Request-Id"].replace("-", "")


@pytest.mark.parametrize("path", ["/events/batch", "/cdp/events/batch"])
def test_batch_records_each_event_for_its_own_contact(source, path):
    events = [
        event("page_view", page_name="Home"),
        event("purchase", id="1", user={"consistent_anonymous_id": "browser-2"}),
        event("page_view", page_name="Basket"),
        {"event_name": "", "user": {"id": "7"}},
        "no event",
    ]

    response = source.post({"batch": events}, path)

    assert response.status_code == 200
    assert response.content == b""
    titles = list(Activity.objects.order_by("contact_id", "id").values_list("title", flat=True))
    assert titles == ["Page view 'Home'", "Page view 'Basket'", "Purchase '1'"]
    codes = RejectedActivity.objects.order_by("id").values_list("code", flat=True)
    assert list(codes) == ["missing_event_name", "no_event"]
    assert bytes(RejectedActivity.objects.order_by("id")[0].payload).startswith(
        b'{"event_name": ""'
    )


@pytest.mark.parametrize(
    ("name", "properties", "title"),
    [
        ("page_view", {"page_name": "Home", "page_type": "home"}, "Page view 'Home'"),
        ("page_view", {"page_type": "home"}, "Page view 'home'"),
        ("page_view", {"title": "Welcome", "page_type": "home"}, "Page view 'Welcome'"),
        ("search", {"search_term": "loan"}, "Search 'loan'"),
        ("login", {"method": "email"}, "Login 'email'"),
        ("select_content", {"content_type": "article", "item_id": "77"}, "Select content '77'"),
        (
            "add_to_cart",
            {
                "value": "22.53",
                "currency": "eur",
                "items": [{"id": "SKU_1", "product": {"id": "1", "name": "Trex tee"}}],
            },
            "Add to cart 'Trex tee' 22.53 EUR",
        ),
        (
            "view_cart",
            {"items": [{"product": {"name": "A"}}, {"id": "b"}, {"id": "c"}]},
            "View cart 'A and 2 more'",
        ),
        ("refund", {"id": 17, "revenue": 5, "currency": "JPY"}, "Refund '17' 5 JPY"),
        ("generate_lead", {"value": float(10**16), "currency": "EUR"}, "Generate lead"),
        ("purchase", {"id": None, "value": "much", "currency": "EUR"}, "Purchase"),
        ("purchase", {"id": {"a": 1}, "items": [7], "value": 1, "currency": 978}, "Purchase"),
        ("My Event 2", {}, "My Event 2"),
    ],
)
def test_titles_say_what_an_event_was_about(source, name, properties, title):
    assert source.send(event(name, **properties)).title == title


def test_a_long_subject_is_cut(source):
    activity = source.send(event("search", search_term="x" * 300))

    assert activity.value == "x" * 250
    assert activity.properties["search_term"] == "x" * 300


@pytest.mark.parametrize(
    "timestamp",
    [
        MILLISECONDS,
        str(MILLISECONDS),
        "2026-03-05T10:15:30.446Z",
        "2026-03-05T11:15:30.446+01:00",
        "2026-03-05T10:15:30.446",
    ],
)
@pytest.mark.parametrize("place", ["context", "root"])
def test_time_of_the_event_is_read_in_every_form(source, timestamp, place):
    if place == "context":
        activity = source.send(event(context={"event_timestamp": timestamp}))
    else:
        activity = source.send(event(event_timestamp=timestamp))

    assert activity.occurred_at == MOMENT
    assert activity.properties["context"] == {"event_timestamp": timestamp}


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        (1772705730, "improbable_timestamp"),  # seconds, which is January 1970
        (3_800_000_000_000, "improbable_timestamp"),  # 2090
        ("yesterday", "bad_timestamp"),
        (10**19, "bad_timestamp"),
        (True, "bad_timestamp"),
        ({"a": 1}, "bad_timestamp"),
    ],
)
def test_time_that_cannot_be_true_is_replaced_and_reported(source, timestamp, code):
    before = timezone.now()

    activity = source.send(event(context={"event_timestamp": timestamp}))

    assert before <= activity.occurred_at <= timezone.now()
    assert activity.properties["context"]["event_timestamp"] == timestamp
    row = RejectedActivity.objects.get()
    assert (row.status, row.code, row.field) == ("invalid_accepted", code, "event_timestamp")


def test_the_same_event_id_counts_once_on_a_source(source):
    twice = event(context={"event_id": "202110130000000001"})

    source.post(twice)
    source.post(twice)
    source.post_batch(twice, event("page_view", context={"eventId": "202110130000000001"}))
    EventSource().post(twice)

    assert Activity.objects.filter(channel=source.channel).count() == 1
    assert Activity.objects.count() == 2


def test_repeated_event_is_in_the_inspector(source):
    marked = event(context={"event_id": "2", "test_code": "T-1"})
    for body in (event(context={"event_id": "1"}), marked):
        source.post(body)
        source.post(body)

    first, recorded, repeated = RejectedActivity.objects.order_by("id")
    assert (first.code, first.status) == ("repeated", "filtered")
    assert (recorded.code, recorded.test_code) == ("recorded", "T-1")
    assert (repeated.code, repeated.status, repeated.test_code) == ("repeated", "filtered", "T-1")


def test_an_event_id_that_is_junk_is_none(source):
    for _ in range(2):
        source.post(event(context={"event_id": "undefined"}))

    assert Activity.objects.count() == 2


def test_version_1_is_understood(source):
    activity = source.send(
        {
            "event_name": "purchase",
            "event_id": "1234567890",
            "event_timestamp": str(MILLISECONDS),
            "properties": {
                "id": "O_1",
                "user": {"id": "8965874", "consistent_anonymous_id": "browser-1"},
            },
            "page": {"title": "Thanks", "location": "https://shop.example/thanks"},
            "device": {"user_agent": "Mozilla/5.0"},
            "app": {"name": "Shop"},
        }
    )

    assert activity.title == "Purchase 'O_1'"
    assert activity.url == "https://shop.example/thanks"
    assert activity.occurred_at == MOMENT
    assert activity.client_id is not None
    assert activity.properties["id"] == "O_1"
    assert activity.properties["context"]["device"] == {"user_agent": "Mozilla/5.0"}
    assert activity.properties["user"]["id"] == "8965874"
    assert "properties" not in activity.properties


def test_version_0_of_servers_and_of_browsers_is_understood(source):
    activity = source.send(
        {
            "event": "add_to_cart",
            "eventId": "111",
            "version": 1,
            "properties": {"user": {"id": "5"}, "created": "2026-03-05T10:15:30.446Z", "id": "X"},
            "page": {"url": "https://shop.example/x"},
        }
    )

    assert activity.title == "Add to cart 'X'"
    assert activity.url == "https://shop.example/x"
    assert activity.client_id is not None


def test_version_2_as_browsers_send_it_is_understood(source):
    body = {
        "event_name": "page_view",
        "context": {
            "page": {"url": "https://shop.example/", "referrer": "https://search.example/"},
            "device": {"lang": "en"},
            "eventId": "202603051015301234567890",
            "version": 2,
            "created": "2026-03-05T10:15:30.446Z",
        },
        "page_type": "home",
        "title": "Shop",
        "user": {"consent_categories": ["1", "2"]},
        "integrations": {"facebook": {"fbp": "1"}},
    }

    activity = source.send(
        json.dumps(body).encode(), content_type="text/plain;charset=UTF-8", headers=BROWSER
    )

    assert activity.title == "Page view 'Shop'"
    assert activity.url == "https://shop.example/"
    assert activity.referrer == "https://search.example/"
    assert activity.occurred_at == MOMENT
    assert activity.properties["integrations"] == {"facebook": {"fbp": "1"}}


def test_property_that_is_called_properties_stays_in_version_2(source):
    activity = source.send(event(context={"page": {}}, properties={"colour": "red"}))

    assert activity.properties["properties"] == {"colour": "red"}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_body_is_read_as_json_whatever_its_type(source, content_type):
    assert source.send(event(), content_type=content_type).type.code_name == "purchase"


def test_mended_bodies(source):
    assert source.send(b'\xef\xbb\xbf{"event_name":"a","user":{"id":"7"}}').title == "A"
    half = b'{"event_name":"search","search_term":"half \\ud83d","user":{"id":"7"}}'
    assert source.send(half).value == "half \N{REPLACEMENT CHARACTER}"
    raw = b'{"event_name":"search","search_term":"half \xed\xa0\xbd","user":{"id":"7"}}'
    assert source.send(raw).value == "half \N{REPLACEMENT CHARACTER}"


def test_half_of_a_character_costs_no_event_of_a_batch(source):
    event_with = b'{"event_name":"search","search_term":"%s","user":{"id":"7"}}'
    words = (b"one", b"raw \xed\xa0\xbd", b"escaped \\ud83d", b"two")

    source.post(b'{"batch":[%s]}' % b",".join(event_with % word for word in words), "/events/batch")

    values = Activity.objects.order_by("id").values_list("value", flat=True)
    assert list(values) == ["one", "raw \ufffd", "escaped \ufffd", "two"]


@pytest.mark.parametrize(
    "name",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f4bb sign up",
        "\U0001fae9 tired",
        "a\u00adb",
    ],
)
def test_names_of_every_script_and_year_are_taken(source, name):
    assert source.send(event(name)).type.code_name == name


def test_spaces_at_the_ends_of_a_name_do_not_count(source):
    types = {source.send(event(name)).type for name in ("spaced", "spaced ", "\t spaced\n")}

    assert [activity_type.code_name for activity_type in types] == ["spaced"]


def test_a_name_of_spaces_is_none(source):
    source.post(event("  "))

    assert RejectedActivity.objects.get().code == "missing_event_name"


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        (12.345, "KWD", "12.345 KWD"),
        (0.005, "bhd", "0.005 BHD"),
        (1500, "RWF", "1500 RWF"),
        (1500, "UYI", "1500 UYI"),
        (1.5, "CLF", "1.5000 CLF"),
        (89.9, "EUR", "89.90 EUR"),
        (1, "XYZ", "1.00 XYZ"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(source, value, currency, amount):
    activity = source.send(event("purchase", value=value, currency=currency))

    assert activity.title == f"Purchase {amount}"


def test_a_currency_has_letters_of_ascii(source):
    assert source.send(event("purchase", value=1, currency="ßab")).title == "Purchase"


def test_page_view_and_click_are_types_of_their_own(source):
    assert source.send(event("click", id="Buy")).type.code_name == "click event"
    assert source.send(event("page_view")).type.is_system is False


# Who may send


@pytest.mark.parametrize(
    "source_key", ["NJtcKaoCYu+/abcd==", "7183b9d4-1031-11ee-be56-0242ac120002"]
)
@pytest.mark.parametrize("escaped", [True, False])
def test_source_key_is_accepted_in_the_query(source_key, escaped):
    source = EventSource(source_key=source_key)
    key = quote(source_key, safe="") if escaped else source_key

    activity = source.send(
        event(), query=f"tc_s={source.channel.site_id}&token={key}&tc_firsttime=1"
    )

    assert activity.channel == source.channel


def test_source_key_is_accepted_by_its_other_name_and_in_the_header(source):
    site, key = source.channel.site_id, source.channel.source_key

    source.send(event(), query=f"tc_s={site}&tc_skey={key}")
    source.send(event(), query=f"tc_s={site}", headers={"Authorization": f"Bearer {key}"})

    assert Activity.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"tc_s": "1"},
        {"tc_s": ""},
        {"tc_s": "\0"},
        {"token": "wrong"},
        {"token": ""},
        {"token": "ключ"},
    ],
)
def test_unknown_source_is_answered_200_and_sampled(source, changes):
    response = source.post(event(id="A-1"), query=query_of(source, **changes))

    assert (response.status_code, response.content) == (200, b"")
    assert Activity.objects.count() == Contact.objects.count() == 0
    row = RejectedActivity.objects.get()
    assert row.code == "unknown_source"
    assert row.door == "commandersact"
    # Where the site ID is right, whoever looks for the event finds it by its channel.
    assert row.channel == (source.channel if "token" in changes else None)
    assert b"A-1" in bytes(row.payload)


def test_new_source_works_at_once(source, settings):
    settings.REMEMBERED_SECONDS = 60
    channel = make_channel(site_id="before")
    source.post(event(), query=urlencode({"tc_s": "new", "token": channel.source_key}))

    Channel.objects.filter(pk=channel.pk).update(site_id="new")

    channel.refresh_from_db()
    EventSource(channel).send(event())


def test_channels_of_one_site_are_told_apart_by_their_keys():
    website = EventSource(site_id="29")
    app = EventSource(make_channel(site_id="29"))

    assert website.send(event()).channel == website.channel
    assert app.send(event()).channel == app.channel
    assert Contact.objects.count() == 1


def test_disabled_source_is_answered_200_and_kept(source):
    source.channel.source_enabled = False
    source.channel.save()

    response = source.post(event())

    assert response.status_code == 200
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel) == ("source_disabled", source.channel)


# Test marks


@pytest.mark.parametrize("place", [{"context": {"test_code": "T-1"}}, {"test_code": "T-1"}])
def test_test_code_marks_what_was_refused(source, place):
    source.post({"event_name": "", "user": {"id": "7"}, **place})
    source.post_batch({"event_name": "", "user": {"id": "7"}, **place})

    assert set(RejectedActivity.objects.values_list("test_code", flat=True)) == {"T-1"}


def test_test_code_with_nul_in_it_is_no_fault(source):
    response = source.post({"event_name": "search", "context": {"test_code": "T\0-1"}})

    assert response.status_code == 200
    assert RejectedActivity.objects.get().test_code == "T -1"


def test_future_events_within_a_day_are_believed(source):
    soon = timezone.now() + timedelta(hours=20)

    activity = source.send(event(context={"event_timestamp": soon.isoformat()}))

    assert activity.occurred_at == soon
