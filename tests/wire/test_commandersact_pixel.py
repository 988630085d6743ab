"""Commanders Act-format events in a query, by a picture."""

from datetime import UTC, datetime

import pytest

from activities.models import Activity, DataInput, RejectedActivity
from tests.wire.source import query_of
from tracking.models import UserProperty

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 5, 10, 15, 30, 446_000, tzinfo=UTC)


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


@pytest.mark.parametrize("name", ["user[email]", "properties[user][email]"])
@pytest.mark.parametrize("email", ["ada+loans@example.com", "ada%2Bloans%40example.com"])
def test_plus_in_an_email_need_not_be_escaped(source, name, email):
    source.http.get(f"/events?{query_of(source)}&event_name=a&{name}={email}")

    assert Activity.objects.get().contact.email == "ada+loans@example.com"


def test_spaces_of_an_email_in_json_stay_what_they_are(source):
    source.post({"event_name": "a", "user": {"id": "7", "email": "ada loans@example.com"}})

    assert Activity.objects.get().contact.email == ""


def test_a_plus_that_nobody_escaped_is_one_in_each_email_of_the_user(source):
    UserProperty.objects.create(name="work", contact_field="ContactEmail")
    query = f"{query_of(source)}&event_name=login&user[id]=7&user[work]=ada+work@example.com"

    source.http.get(f"/events?{query}")

    assert DataInput.objects.get().fields["email"] == "ada+work@example.com"
    assert not RejectedActivity.objects.exists()
