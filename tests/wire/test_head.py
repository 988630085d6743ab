"""HEAD: nobody has seen anything, so the answer is that to GET and nothing is recorded."""

from urllib.parse import urlencode

import pytest
from django.test import RequestFactory

from activities.models import Activity, RejectedActivity
from contacts.models import Contact
from crosssite import main_site
from tests.factories import make_activity_type, make_channel, make_contact
from tests.wire.activecampaign import EMAIL

pytestmark = pytest.mark.django_db


def pictures():
    channel = make_channel()
    visit = {"actid": channel.account_id, "e": EMAIL, "u": "https://www.example.com/"}
    event = {
        "tc_s": channel.site_id,
        "token": channel.source_key,
        "event_name": "purchase",
        "user[id]": "7",
    }
    return [f"/visit?{urlencode(visit)}", f"/events?{urlencode(event)}"]


@pytest.mark.parametrize("number", [0, 1], ids=["visit", "events"])
def test_head_of_a_picture_is_answered_as_get_and_records_nothing(client, number):
    make_contact(email=EMAIL)
    path = pictures()[number]
    before = Contact.objects.count()

    looked = client.head(path)

    assert Activity.objects.count() == RejectedActivity.objects.count() == 0
    assert Contact.objects.count() == before
    assert not looked.cookies
    seen = client.get(path)
    assert Activity.objects.count() == 1
    assert (looked.status_code, looked.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Cache-Control"):
        assert looked[name] == seen[name]
    assert looked["Request-Id"]


@pytest.mark.parametrize("path", ["/visit", "/events"])
def test_head_keeps_to_the_switches_and_leaves_nothing_in_the_inspector(client, settings, path):
    settings.TRACKING_API_ENABLED = False

    assert client.head(path).status_code == 404
    settings.TRACKING_API_ENABLED = True
    assert client.head(path).status_code == 200
    assert not RejectedActivity.objects.exists()


def test_code_of_a_main_site_logs_nothing_for_head(monkeypatch):
    channel = make_channel(code_name="main", kind="website", domain="main.example")
    make_activity_type(code_name="viewing")

    class Visitor:
        contact, may_be_tracked = make_contact(), True

    Visitor.channel = channel
    for method, count in (("HEAD", 0), ("GET", 1)):
        request = RequestFactory().generic(method, "/", headers={"host": "main.example"})
        request.visitor = Visitor
        logged = main_site.log_custom_activity(request, "viewing", title="Viewing")

        assert (logged, Activity.objects.count()) == (bool(count), count)
