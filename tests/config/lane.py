"""The usual request of each door, as `Server.send` takes it."""

import json
from urllib.parse import urlencode

from crosssite.models import TrackedSite
from tests.config.server import message
from tests.crosssite.browsers import CHROME, MAIN, SHOP, Browser
from tests.factories import make_channel, make_consent, make_contact, make_key
from tests.wire.source import event
from tracking.models import ConsentCategory

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
EMAIL = "ada@example.com"


def headless():
    """Activities of an app."""
    key, text = make_key()
    return {"body": message(key), "headers": {**JSON, "authorization": f"Bearer {text}"}}


def activecampaign_event():
    """An event of a server."""
    channel = make_channel()
    make_contact(email=EMAIL)
    form = {
        "actid": channel.account_id,
        "key": channel.event_key,
        "event": "file download",
        "visit": json.dumps({"email": EMAIL}),
    }
    return {"path": "/event", "body": urlencode(form).encode(), "headers": FORM}


def activecampaign_visit():
    """A page visit by a picture."""
    channel = make_channel()
    make_contact(email=EMAIL)
    query = {"actid": channel.account_id, "e": EMAIL, "u": "https://www.example.com/"}
    return {"path": "/visit", "method": "GET", "query": urlencode(query).encode()}


def commandersact_event():
    """An event of a server."""
    return _of_source(make_channel(), "/events", event("purchase", value="12"))


def commandersact_batch():
    """Events of twenty people."""
    events = [
        event("purchase", user={"consistent_anonymous_id": f"browser-{number}"})
        for number in range(20)
    ]
    return _of_source(make_channel(), "/events/batch", {"batch": events})


def commandersact_batch_with_categories():
    """The same, of people who have agreed."""
    channel = make_channel(tracking_consent=make_consent(), enforce_consent=True)
    ConsentCategory.objects.create(channel=channel, category="1", consent=channel.tracking_consent)
    events = [
        event(
            "purchase",
            user={"consistent_anonymous_id": f"browser-{number}", "consent_categories": ["1"]},
        )
        for number in range(20)
    ]
    return _of_source(channel, "/events/batch", {"batch": events})


def commandersact_pixel():
    """An event by a picture."""
    channel = make_channel()
    query = {"tc_s": channel.site_id, "token": channel.source_key, "event_name": "purchase"}
    return {"path": "/events", "method": "GET", "query": urlencode(query).encode()}


def _of_source(channel, path, content):
    query = {"tc_s": channel.site_id, "token": channel.source_key}
    return {
        "path": path,
        "query": urlencode(query).encode(),
        "body": json.dumps(content).encode(),
        "headers": JSON,
    }


def main_site():
    """A channel with a tracking consent, and a tracked site."""
    channel = make_channel(
        code_name="main", kind="website", domain="main.example", tracking_consent=make_consent()
    )
    TrackedSite.objects.create(name="Shop", code_name="shop", url=SHOP, channel=channel)
    return channel


def tracker(command="Log", content=None, *, origin=SHOP):
    """A command of the tracker, of a visitor who has agreed; else a page visit."""
    main_site()
    browser = Browser(origin=origin)
    assert browser.agree().json()["isAgreed"] is True
    assert browser.log().status_code == 200
    cookies = "; ".join(f"{name}={one.value}" for name, one in browser.cookies().items())
    visit = {"type": "pagevisit", "value": "Home", "url": f"{origin}/"}
    return {
        "path": f"/Kentico.CrossSiteTracking/{command}",
        "body": json.dumps(content or {"activities": [visit]}).encode(),
        "headers": {
            "host": "main.example",
            "content-type": "text/plain;charset=UTF-8",
            "user-agent": CHROME,
            "origin": origin,
            "cookie": cookies,
        },
    }


def tracker_on_main_site():
    """A page visit on the main site, of a visitor who has agreed."""
    return tracker(origin=MAIN)


def agreement():
    """A visitor agrees once more."""
    return tracker("ConsentAgree", {"codeName": "TrackingConsent"})


def revocation():
    """A visitor revokes their agreement."""
    return tracker("ConsentRevoke", {"codeName": "TrackingConsent"})
