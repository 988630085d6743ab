"""Which web pages may call the headless API from a browser."""

import pytest
from django.test import Client

from activities.models import Activity
from tests.factories import make_channel
from tests.wire.app import ROOT, App

pytestmark = pytest.mark.django_db

OURS = "https://app.example.com"
FOREIGN = "https://evil.example"
CLICK = {"type": "click", "value": "Buy"}


def preflight(origin, *, path="/activities", **headers):
    return Client().options(
        f"{ROOT}{path}",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-anything",
            **headers,
        },
    )


def test_preflight_of_an_allowed_origin_is_answered_with_what_it_asks_for():
    make_channel(allowed_origins=[OURS])

    response = preflight(OURS)

    assert response.status_code == 200
    assert response.content == b""
    assert response["Access-Control-Allow-Origin"] == OURS
    assert response["Access-Control-Allow-Headers"] == "authorization,content-type,x-anything"
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in response
    assert "origin" in response["Vary"].lower()
    assert response["Request-Id"]


@pytest.mark.parametrize("path", ["/contacts", "/consents/X", "/contacts/x/consents/y", "/nothing"])
def test_preflight_is_answered_at_every_path(path):
    make_channel(allowed_origins=[OURS])

    response = preflight(OURS, path=path)

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == OURS


@pytest.mark.parametrize("path", ["/kentico.tracking/activities", "/KENTICO.TRACKING/ACTIVITIES/"])
def test_preflight_is_answered_in_any_spelling_of_the_path(path):
    make_channel(allowed_origins=[OURS])

    response = Client().options(
        path, headers={"Origin": OURS, "Access-Control-Request-Method": "POST"}
    )

    assert response["Access-Control-Allow-Origin"] == OURS


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        "null",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "https://sub.app.example.com",
        "app.example.com",
        "*",
        "\xff",
    ],
)
def test_preflight_of_a_foreign_origin_is_not_allowed(origin):
    make_channel(allowed_origins=[OURS])

    response = preflight(origin)

    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Headers" not in response
    assert response["Request-Id"]


def test_preflight_is_not_allowed_where_nothing_is_configured():
    make_channel()

    response = preflight(OURS)

    assert "Access-Control-Allow-Origin" not in response


def test_preflight_without_a_key_is_answered_for_the_origins_of_all_channels():
    make_channel(allowed_origins=[OURS])
    make_channel(allowed_origins=["https://shop.example.com"])

    origins = [OURS, "https://shop.example.com"]

    assert [preflight(one)["Access-Control-Allow-Origin"] for one in origins] == origins


def test_star_allows_every_origin():
    app = App(make_channel(allowed_origins=["*"]))

    before = preflight(FOREIGN)
    response = app.post("/activities", app.message(CLICK), headers={"Origin": FOREIGN})

    assert before["Access-Control-Allow-Origin"] in (FOREIGN, "*")
    assert response["Access-Control-Allow-Origin"] in (FOREIGN, "*")
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://app.example.com", True),
        ("http://app.example.com", True),
        ("https://APP.example.com", True),
        ("https://app.example.com:8443", False),
        ("https://example.com", False),
        ("https://xapp.example.com", False),
    ],
)
def test_domain_without_a_scheme_allows_both_schemes(origin, is_allowed):
    make_channel(allowed_origins=["app.example.com"])

    response = preflight(origin)

    assert response.get("Access-Control-Allow-Origin") == (origin if is_allowed else None)


def test_allowed_origin_may_read_the_answer():
    app = App(make_channel(allowed_origins=[OURS]))

    response = app.post("/activities", app.message(CLICK), headers={"Origin": OURS})

    assert response.status_code == 207
    assert response["Access-Control-Allow-Origin"] == OURS
    assert response["Access-Control-Expose-Headers"] == "Request-Id, Retry-After"
    assert "Access-Control-Allow-Credentials" not in response
    assert "origin" in response["Vary"].lower()


def test_origin_of_another_channel_may_not_read_the_answer():
    app = App(make_channel(allowed_origins=[OURS]))
    make_channel(allowed_origins=["https://shop.example.com"])

    response = app.post(
        "/activities", app.message(CLICK), headers={"Origin": "https://shop.example.com"}
    )

    assert response.status_code == 207
    assert "Access-Control-Allow-Origin" not in response


def test_caller_that_is_no_browser_needs_no_origin():
    app = App(make_channel(allowed_origins=[OURS]))

    response = app.post("/activities", app.message(CLICK))

    assert response.status_code == 207
    assert "Access-Control-Allow-Origin" not in response
    assert Activity.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b'{"channel":"x"}', 400)], ids=["malformed", "bad-guid"]
)
def test_allowed_origin_may_read_errors_as_well(body, status):
    app = App(make_channel(allowed_origins=[OURS]))

    response = app.post("/activities", body, headers={"Origin": OURS})

    assert response.status_code == status
    assert response["Access-Control-Allow-Origin"] == OURS
    assert response["Access-Control-Expose-Headers"] == "Request-Id, Retry-After"


def test_allowed_origin_may_read_that_its_key_is_wrong():
    make_channel(allowed_origins=[OURS])

    response = App().post("/activities", headers={"Origin": OURS, "Authorization": "Bearer x"})

    assert response.status_code == 401
    assert response["Access-Control-Allow-Origin"] == OURS


def test_pages_beside_the_doors_allow_no_origin():
    make_channel(allowed_origins=["*"])

    for path in ("/admin/login/", "/api/schema/", "/health/live"):
        response = Client().get(path, headers={"Origin": OURS})

        assert "Access-Control-Allow-Origin" not in response
