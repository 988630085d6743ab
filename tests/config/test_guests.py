"""Which requests count as those without a login, and how many of them get a page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver

from config import guests
from config.guests import Guests, is_guest

LOGIN = "/admin/login/"
FORGED = {"cookie": "sessionid=forged"}


def scope(path=LOGIN, address="203.0.113.1", **headers):
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": given,
        "client": (address, 1),
    }


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (LOGIN, {}, True),
        (LOGIN, FORGED, True),
        ("/api/schema/", FORGED, True),
        ("/nowhere", {}, True),
        ("/admin/", {}, True),
        ("/admin/", FORGED, False),
        ("/static/adminsite/admin.css", {}, False),
        ("/health/ready", {}, False),
        ("/event", {}, False),
        ("/api/3/contacts", {}, False),
    ],
)
def test_guests_are_requests_for_open_pages_and_without_a_session(path, headers, expected):
    assert is_guest(scope(path, **headers)) is expected


@pytest.mark.django_db
def test_every_page_of_the_logins_that_is_rendered_for_strangers_is_an_open_page():
    User.objects.create_superuser("mia")
    routes = _routes(get_resolver("config.logins.urls"))
    paths = [f"/admin/{route.replace('<provider_id>', 'sso')}" for route in routes]
    rendered = [path for path in paths if Client().get(path).status_code == 200]

    assert LOGIN in rendered
    assert [path for path in rendered if not path.startswith(guests.OPEN_PAGES)] == []


def _routes(resolver, before=""):
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        yield from _routes(one, route) if hasattr(one, "url_patterns") else [route]


def test_one_address_gets_so_many_open_pages_in_a_piece_of_time():
    now = [100.0]
    asked = Guests(clock=lambda: now[0])

    answers = [asked.refuse(scope()) for _ in range(61)]
    now[0] += 12
    late = asked.refuse(scope())

    assert answers[:60] == [None] * 60
    assert answers[60].status == late.status == 429
    assert dict(late.headers)[b"retry-after"] == b"18"
    assert late.body == b"Too Many Requests. Try again in 18 seconds.\n"
    assert asked.refuse(scope(address="203.0.113.2")) is None
    now[0] += 18
    assert asked.refuse(scope()) is None


def test_a_network_of_ipv6_is_one_address():
    asked = Guests()

    answers = [asked.refuse(scope(address=f"2001:db8::{number:x}")) for number in range(61)]

    assert answers[59] is None
    assert answers[60].status == 429


def test_pages_that_are_not_of_the_logins_are_not_counted_by_address():
    asked = Guests()

    assert {asked.refuse(scope("/nowhere")) for _ in range(100)} == {None}


def test_more_requests_than_may_wait_are_told_to_come_again(settings):
    settings.BUSY_RETRY_AFTER_SECONDS = 5
    full = Guests(waiting=18)

    answer = full.refuse(scope("/nowhere"))

    assert (answer.status, dict(answer.headers)[b"retry-after"]) == (503, b"5")


def test_addresses_are_forgotten_when_there_are_very_many(monkeypatch):
    monkeypatch.setattr(guests, "_MOST_ADDRESSES", 3)
    asked = Guests()

    for number in range(10):
        asked.refuse(scope(address=f"203.0.113.{number}"))

    assert len(asked._asked) <= 3
