"""Emails in refused events: who sees them, what they find, and contacts that are missing."""

import json

import pytest
from django.urls import reverse

from activities.inspector import readable
from activities.models import (
    Activity,
    RejectedActivity,
    Replay,
)
from adminsite.formatting import change_url, changelist_url
from destinations.models import Delivery
from tests.admin.causes import BASE, CAUSES, line, page_of
from tests.admin.history import make_rejected
from tests.admin.pages import form_on
from tests.factories import make_channel, make_contact

pytestmark = pytest.mark.django_db


def test_emails_are_hidden_from_users_who_may_not_see_contacts(log_in):
    client = log_in("view_rejectedactivity", "view_replay")
    email = "ada@example.com"
    one = line(email, reason=f"There is no activity type “{email}”.")
    Replay.objects.create(
        door="headless", channel=one.channel, code="x", named=email, newest=1, total=1
    )
    replays = changelist_url(Replay)

    pages = [
        client.get(CAUSES).text,
        page_of(client, one).text,
        client.get(reverse(f"{BASE}check"), {"cause": one.pk}).text,
        client.get(reverse(f"{BASE}live_rows")).text,
        client.get(replays).text,
        client.get(change_url(Replay.objects.get())).text,
    ]

    for html in pages:
        assert email not in html
        assert "ada%40example" not in html


def test_email_finds_what_has_it_and_what_its_contact_sent(admin_client, log_in):
    contact = make_contact(email="ada@example.com")
    by_payload = make_rejected('{"email": "ada@example.com"}')
    by_contact = make_rejected("x", contact_guid=str(contact.guid))
    make_rejected("ada, example and com")

    html = admin_client.get(changelist_url(RejectedActivity), {"q": "ada@example.com"}).text

    assert change_url(by_payload) in html
    assert change_url(by_contact) in html
    assert "2 inspector lines<" in html


@pytest.mark.parametrize("sent", ['{"email": "Ada@example.com"}', "email=ada%40example.com&a=b"])
def test_whole_email_finds_what_was_sent_for_users_who_may_not_see_contacts(log_in, sent):
    contact = make_contact(email="ada@example.com")
    named = make_rejected(payload=sent.encode(), payload_text=readable(sent.encode()))
    make_rejected("x", contact_guid=str(contact.guid))
    make_rejected("mary-ada@example.com, ada@example.com.au, ada and example.com")
    client = log_in("view_rejectedactivity")

    def found(term):
        changelist = client.get(changelist_url(RejectedActivity), {"q": term}).context["cl"]
        return changelist and list(changelist.result_list)

    assert found("ADA@example.com ") == [named]
    for part in ("ada@example", "@example.com", "example.com", "da@example.com", "ada example com"):
        assert not found(part)
    assert "ada" not in client.get(change_url(named)).text.lower()


def test_search_boxes_promise_emails_to_those_who_find_by_them(admin_client, log_in):
    def promised(client):
        pages = [client.get(changelist_url(one)) for one in (RejectedActivity, Activity, Delivery)]
        return [page.context["cl"].search_help_text for page in pages]

    assert promised(admin_client) == [
        "Request id, GUID, email, or words of what was sent",
        "Activity id, request id, GUID or whole email",
        "Message ID, or GUID or whole email of a contact",
    ]
    assert promised(log_in("view_rejectedactivity", "view_activity", "view_delivery")) == [
        "Request id, GUID, or a whole email that was sent",
        "Activity id, request id or GUID",
        "Message ID, or GUID of a contact",
    ]


def test_contact_that_is_missing_is_added_with_its_email(admin_client):
    make_contact(email="bob@example.com")
    cause = {"channel": make_channel(), "code": "unknown_contact", "named": "visit"}
    one, *_ = [
        line(payload=json.dumps({"email": email}).encode(), field="email", **cause)
        for email in ("ada@example.com", "bob@example.com", "eve@example.com", "ada@example.com")
    ]

    emails = dict(page_of(admin_client, one).context["to_add"])

    assert list(emails) == ["ada@example.com", "eve@example.com"]
    assert form_on(admin_client.get(emails["ada@example.com"]))["email"] == "ada@example.com"
    assert "Marketers add contacts" not in page_of(admin_client, one).text


@pytest.mark.parametrize("rights", [(), ("view_contact",), ("add_contact",)])
def test_contact_that_is_missing_is_for_marketers_to_add(log_in, rights):
    sent = b"email=ada%40example.com"
    one = line(code="unknown_contact", field="email", payload=sent, named="visit")

    page = page_of(log_in("view_rejectedactivity", *rights), one)

    assert "Marketers add contacts. Ask one" in page.text
    assert reverse("admin:contacts_contact_add") not in page.text.partition("<main")[2]
