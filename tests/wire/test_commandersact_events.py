"""Commanders Act-format events, in every shape and encoding that sources send."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from django.utils import timezone

from activities.data_input import sweep_data_inputs
from activities.models import Activity, ActivityType, RejectedActivity
from channels.models import Channel
from contacts.models import Contact
from tests.factories import make_channel
from tests.wire.source import BROWSER, EventSource, event

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 5, 10, 15, 30, 446_000, tzinfo=UTC)
MILLISECONDS = 1772705730446


@pytest.fixture
def source():
    return EventSource()


def test_event_becomes_an_activity_with_a_readable_title(source):
    activity = source.send(
        event("purchase", id="A-1042", value=89.9, currency="EUR", user={"id": "1234"})
    )

    assert activity.title == "Purchase 'A-1042' 89.90 EUR"
    assert activity.value == "A-1042"
    assert activity.channel == source.channel
    assert activity.type.code_name == "purchase"
    assert activity.type.name == "Purchase"
    assert activity.type.door == ActivityType.Door.COMMANDERSACT
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


def test_page_view_and_click_are_types_of_their_own(source):
    assert source.send(event("click", id="Buy")).type.code_name == "click event"
    assert source.send(event("page_view")).type.is_system is False


# Who may send


def query_of(source, **changes):
    return urlencode({**source.credentials, **changes})


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


# Bad input


def test_broken_json_is_400_and_kept(source):
    body = b'{"event_name": "purchase" "id": "A-1"}'

    response = source.post(body)

    assert response.status_code == 400
    assert response.json()["code"] == "malformed_json"
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel, bytes(row.payload)) == ("malformed_json", source.channel, body)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe{}", b"{", b"nul"])
@pytest.mark.parametrize("path", ["/events", "/events/batch"])
def test_no_json_is_400(source, body, path):
    assert source.post(body, path).status_code == 400
    assert RejectedActivity.objects.get().code == "malformed_json"


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null"])
def test_json_that_is_no_event_is_200_and_kept(source, body):
    assert source.post(body).status_code == 200
    assert RejectedActivity.objects.get().code == "no_event"


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"batch": {}}', b'{"batch": null}', b"7"])
def test_json_that_is_no_batch_is_200_and_kept(source, body):
    assert source.post(body, "/events/batch").status_code == 200
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel, bytes(row.payload)) == ("no_batch", source.channel, body)


@pytest.mark.parametrize("body", [b"[7", b'{"batch": 5', b'{"event_name": }'])
def test_what_is_neither_a_batch_nor_json_is_400(source, body):
    assert source.post(body, "/events/batch").status_code == 400
    assert RejectedActivity.objects.get().code == "malformed_json"


@pytest.mark.parametrize("name", [None, "", 7, {"a": 1}, ["x"]])
def test_event_without_a_name_is_kept(source, name):
    assert source.post({"event_name": name, "user": {"id": "7"}}).status_code == 200
    assert RejectedActivity.objects.get().code == "missing_event_name"
    assert Contact.objects.count() == 0


def test_event_of_nobody_is_kept(source):
    source.post({"event_name": "purchase", "user": {"id": "undefined", "email": "none"}})

    row = RejectedActivity.objects.get()
    assert (row.code, row.field) == ("no_identity", "user")
    assert Contact.objects.count() == 0


def padded(size, **properties):
    """An event of exactly so many bytes."""
    body = json.dumps(event(pad="", **properties))
    return body.replace('"pad": ""', f'"pad": "{"x" * (size - len(body))}"').encode()


def test_event_of_32_kilobytes_is_taken_and_a_larger_one_is_400(source):
    assert source.post(padded(32 * 1024)).status_code == 200
    assert Activity.objects.count() == 1

    response = source.post(padded(32 * 1024 + 1))

    assert response.status_code == 400
    assert response.json()["code"] == "too_large"
    row = RejectedActivity.objects.get()
    assert (row.code, row.payload_length) == ("too_large", 32 * 1024 + 1)


def test_oversize_event_in_a_legal_batch_is_dropped_and_the_rest_is_stored(source):
    large, small = padded(32 * 1024 + 1).decode(), json.dumps(event("page_view"))

    response = source.post(f'{{"batch":[{small},{large},{small}]}}'.encode(), "/events/batch")

    assert response.status_code == 200
    assert Activity.objects.count() == 2
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel) == ("oversize_event", source.channel)


def test_batch_of_more_than_500_kilobytes_is_400(source):
    items = ",".join([padded(32 * 1024).decode()] * 17)

    response = source.post(f'{{"batch":[{items}]}}'.encode(), "/events/batch")

    assert response.status_code == 400
    assert Activity.objects.count() == 0
    assert RejectedActivity.objects.get().code == "too_large"


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"1e999",
    ],
)
def test_json_beyond_us_is_200_and_kept(source, value):
    body = b'{"event_name":"deep","user":{"id":"7"},"a":%s}' % value

    assert source.post(body).status_code == 200
    assert RejectedActivity.objects.get().code == "undecodable_event"


def test_properties_that_are_too_deep_are_kept(source):
    body = b'{"event_name":"deep","user":{"id":"7"},"a":%s}' % (b"[" * 60 + b"]" * 60)

    assert source.post(body).status_code == 200
    assert RejectedActivity.objects.get().code == "too_deep"


@pytest.mark.parametrize(
    "body",
    [
        {"event_name": "a", "user": {"id": "7"}, "x": "nul \0"},
        {"event_name": "a", "user": {"id": "nul \0"}},
        {"event_name": "nul \0", "user": {"id": "7"}},
        {"event_name": "a", "user": [], "context": 7},
        {"event_name": "a", "user": {"id": ["7"]}, "context": {"page": [], "device": None}},
        {"event_name": "a", "user": {"id": "7", "consent_categories": {"a": 1}}},
        {"event_name": "a", "user": {"id": 7.5, "email": {"a": 1}, "birthdate": []}},
        {"event_name": "a", "context": {"page": {"url": ["x"]}}, "user": {"id": "7"}},
    ],
)
def test_odd_members_are_no_fault(source, body):
    assert source.post(body).status_code == 200
    assert source.post_batch(body).status_code == 200
    assert source.post(body, headers=BROWSER).status_code == 200
    assert Activity.objects.count() + RejectedActivity.objects.count() >= 3


def test_read_only_hub_is_503_for_the_pixel_too(source, settings):
    settings.READ_ONLY = True

    assert source.post(event()).status_code == 503
    pixel = f"/events?{query_of(source)}&event_name=a&user[id]=7"
    assert source.http.get(pixel)["Retry-After"] == "120"
    assert source.http.head(pixel).status_code == 503
    assert Activity.objects.count() == 0
    assert RejectedActivity.objects.count() == 0


def test_switched_off_api_is_404(source, settings):
    settings.TRACKING_API_ENABLED = False

    assert source.post(event()).status_code == 404


# The pixel


def test_pixel_records_an_event_with_nested_members(source):
    query = "&".join(
        [
            query_of(source),
            "event_name=add_to_cart",
            "value=12.5&currency=EUR",
            "user[id]=1234&user[email]=ada%40example.com",
            "user[consent_categories][]=1&user[consent_categories][]=3",
            "items[0][product][name]=Tee&items[0][product][colors][]=red",
            "items[0][product][colors][]=blue",
            "ts_override=1772705730",
        ]
    )

    response = source.http.get(f"/events?{query}")

    assert response.status_code == 200
    assert response["Content-Type"] == "image/gif"
    assert response.content.startswith(b"GIF89a")
    assert response["Cache-Control"] == "no-store, private"
    activity = Activity.objects.get()
    assert activity.title == "Add to cart 'Tee' 12.50 EUR"
    assert activity.occurred_at == MOMENT.replace(microsecond=0)
    assert activity.properties["items"] == [{"product": {"name": "Tee", "colors": ["red", "blue"]}}]
    assert activity.properties["user"]["consent_categories"] == ["1", "3"]
    assert not {"tc_s", "token", "ts_override"} & activity.properties.keys()
    assert activity.contact.email == "ada@example.com"


def test_pixel_may_have_letters_that_nobody_escaped(source):
    query = f"{query_of(source)}&event_name=search&user[id]=7&search_term=Häuser"

    source.http.get("/events", QUERY_STRING=query.encode().decode("latin-1"))

    assert Activity.objects.get().properties["search_term"] == "Häuser"


def test_refused_pixel_is_kept_without_its_key(source):
    response = source.http.get(f"/events?{query_of(source)}&user[id]=7&x=lost")

    assert response.status_code == 200
    assert response["Content-Type"] == "image/gif"
    row = RejectedActivity.objects.get()
    assert row.code == "missing_event_name"
    assert b"x=lost" in bytes(row.payload)
    assert source.channel.source_key.encode() not in bytes(row.payload)


def test_pixel_with_too_long_a_query_is_400(source):
    response = source.http.get(f"/events?{query_of(source)}&event_name=a&x={'x' * 40_000}")

    assert response.status_code == 400
    row = RejectedActivity.objects.get()
    assert bytes(row.payload).startswith(
        f"tc_s={source.channel.site_id}&event_name=a&x=xx".encode()
    )
    assert row.payload_length > 40_000


def test_time_of_a_pixel_may_have_fractions_of_a_second(source):
    source.http.get(
        f"/events?{query_of(source)}&event_name=a&user[id]=7&ts_override=1772705730.446"
    )

    assert Activity.objects.get().occurred_at == MOMENT


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
    sweep_data_inputs()

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
    sweep_data_inputs()

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
    sweep_data_inputs()

    activity = source.send(known)

    assert not hasattr(activity, "data_input")
    assert hasattr(source.send(event(user={"id": "7", "firstname": "Ann"})), "data_input")


def test_future_events_within_a_day_are_believed(source):
    soon = timezone.now() + timedelta(hours=20)

    activity = source.send(event(context={"event_timestamp": soon.isoformat()}))

    assert activity.occurred_at == soon
