"""Origin is the credential of a browser: who may send commands, and read the answers."""

import pytest

from activities.models import Activity, RejectedActivity
from channels.models import Channel
from contacts.models import Contact
from crosssite.models import BrowserHits, TrackedSite
from tests.crosssite.browsers import MAIN, SHOP, Browser

pytestmark = pytest.mark.django_db

COMMANDS = [
    "ConsentData",
    "ConsentStatus",
    "ContactGroups",
    "ConsentAgree",
    "ConsentRevoke",
    "Log",
    "Link",
    "Arrive",
]
CORS = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")


@pytest.mark.parametrize("origin", [SHOP, SHOP.upper(), MAIN])
def test_a_known_origin_is_accepted_and_may_read_the_answer(shop, origin):
    response = Browser(origin).log()

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == origin
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in response["Vary"].lower()
    assert Activity.objects.filter(type__code_name="pagevisit").count() == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "https://foreign.example",
        "http://shop.example",
        "http://main.example",
        "https://shop.example:8443",
        "https://shop.example.foreign.example",
        "https://sub.shop.example",
        "https://shop.example/",
        "shop.example",
    ],
)
def test_another_origin_is_refused(shop, origin, command):
    response = Browser(origin).send(command, {"activities": [], "codeName": "TrackingConsent"})

    assert response.status_code == 403
    assert response.json()["code"] == "unknown_origin"
    assert not [header for header in CORS if header in response]
    assert not response.cookies
    assert not Contact.objects.exists()
    (hits,) = BrowserHits.objects.all()
    assert (hits.outcome, hits.origin) == ("origin", origin or "")
    assert RejectedActivity.objects.get().code == "unknown_origin"


def test_a_disabled_site_is_refused_until_it_is_enabled_again(shop, browser):
    TrackedSite.objects.update(enabled=False)
    assert browser.log().status_code == 403

    TrackedSite.objects.update(enabled=True)
    assert browser.log().status_code == 200


def test_a_site_of_another_channel_is_refused(shop):
    Channel.objects.create(code_name="other", name="Other", kind="website", domain="other.example")

    assert Browser(SHOP, "other.example").log().status_code == 403
    assert Browser(MAIN, "other.example").log().status_code == 403
    assert Browser("https://other.example", "other.example").log().status_code == 200


def test_a_site_of_two_channels_reports_to_the_one_that_it_asks(shop):
    other = Channel.objects.create(
        code_name="other", name="Other", kind="website", domain="other.example"
    )
    TrackedSite.objects.create(name="Twin", code_name="twin", url=SHOP, channel=other)

    Browser(SHOP, "other.example").log()

    activity = Activity.objects.get()
    assert (activity.channel, activity.tracked_site.name) == (other, "Twin")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_host_of_the_hub_that_is_no_main_site_is_not_found(shop, command):
    response = Browser(SHOP, "localhost").send(command)

    assert response.status_code == 404
    assert not [header for header in CORS if header in response]


def test_a_host_of_nobody_is_refused(shop):
    assert Browser(SHOP, "nobody.example").log().status_code == 400


def test_the_main_site_of_development_may_do_without_https(db):
    Channel.objects.create(
        code_name="dev", name="Dev", kind="website", domain="main.localhost:8000"
    )

    assert Browser("http://main.localhost:8000", "main.localhost:8000").log().status_code == 200
    assert Browser("http://main.localhost:9000", "main.localhost:8000").log().status_code == 403


def test_a_preflight_is_answered_for_known_origins_only(shop):
    ask = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    known = Browser(SHOP).send_raw("Log", "", method="OPTIONS", **ask)
    foreign = Browser("https://foreign.example").send_raw("Log", "", method="OPTIONS", **ask)

    assert known["Access-Control-Allow-Origin"] == SHOP
    assert known["Access-Control-Allow-Credentials"] == "true"
    assert "content-type" in known["Access-Control-Allow-Headers"]
    assert not [header for header in CORS if header in foreign]
    assert not Contact.objects.exists()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_commands_are_posts(browser, method):
    assert browser.send_raw("Log", "", method=method).status_code == 405


def test_every_answer_names_its_request_and_is_kept_by_nobody(shop, browser):
    responses = [browser.log(), browser.send("Log"), Browser("https://foreign.example").log()]

    assert [response.status_code for response in responses] == [200, 400, 403]
    assert len({response["Request-Id"] for response in responses}) == 3
    assert {response["Cache-Control"] for response in responses} == {"no-store"}
    assert str(Activity.objects.get().request_id) == responses[0]["Request-Id"]
    assert responses[1].json()["requestId"] == responses[1]["Request-Id"]
    assert RejectedActivity.objects.filter(request_id=responses[1]["Request-Id"]).exists()
