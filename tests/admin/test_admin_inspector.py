import json
import re
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User

from activities.admin.rejected import readable_payload
from activities.admin.searching import search_rejections
from activities.inspector import readable
from activities.models import Activity, RejectedActivity
from activities.problems import Status
from adminsite.formatting import change_url, changelist_url
from tests.admin.history import make_rejected
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_contact,
    make_rule,
)
from tests.plans import plan_of

pytestmark = pytest.mark.django_db


def test_search_finds_by_request_id_guid_and_words(admin_client):
    rejected = make_rejected("Registration form", contact_guid=str(make_contact().guid))
    make_rejected("Something else")

    for term in (
        str(rejected.request_id),
        rejected.contact_guid.upper(),
        "registration",
        "form Registration",
    ):
        html = admin_client.get(changelist_url(RejectedActivity), {"q": term}).text
        assert "1 inspector line<" in html
        assert change_url(rejected) in html


def test_search_finds_a_guid_that_is_only_in_the_payload(admin_client):
    guid = "06b035b8-6658-4a1b-b1de-5994e4975fb1"
    make_rejected(guid)

    assert (
        "1 inspector line<" in admin_client.get(changelist_url(RejectedActivity), {"q": guid}).text
    )


def test_filters_of_the_inspector(admin_client):
    channel = make_channel()
    rejected = make_rejected(channel=channel, code="too_long", door="python")
    make_rejected()

    for query in ("code=too_long", "door=python", f"channel__id__exact={channel.pk}"):
        html = admin_client.get(changelist_url(RejectedActivity, query)).text
        assert "1 inspector line<" in html
        assert change_url(rejected) in html


def test_a_page_links_to_the_contact_that_the_guid_leads_to(admin_client):
    survivor = make_contact(first_name="Anna")
    merged = make_contact(merged_into=survivor)

    html = admin_client.get(change_url(make_rejected(contact_guid=str(merged.guid)))).text

    assert f'href="{change_url(survivor)}"' in html


def test_a_page_says_that_there_is_no_such_contact(admin_client):
    html = admin_client.get(change_url(make_rejected(contact_guid="nobody"))).text

    assert "nobody (no such contact)" in html


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        pytest.param(b'{"a":{"b":1}}', "&quot;b&quot;: 1", id="json"),
        pytest.param(b"{broken", "{broken", id="broken-json"),
        pytest.param(b"\xff\xfe\x00\x1b", "\\xff\\xfe\\x00\\x1b", id="no-text"),
        pytest.param(b'{"a":"\\ud800"}', "\\ud800", id="lone-surrogate"),
        pytest.param(b"[" * 32_768, "[[[[", id="deep"),
        pytest.param(b"1" * 5000, "1111", id="long-number"),
        pytest.param(b"", "0 bytes were sent", id="nothing"),
    ],
)
def test_any_payload_can_be_shown(admin_client, payload, shown):
    rejected = make_rejected(payload=payload, payload_length=len(payload))

    response = admin_client.get(change_url(rejected))

    assert response.status_code == 200
    assert shown in response.text


def test_a_page_says_that_the_payload_was_cut(admin_client):
    rejected = make_rejected(payload=b"abc", payload_length=5000)

    html = admin_client.get(change_url(rejected)).text

    assert "5,000 bytes were sent, of which 3 were kept" in html


def test_forms_are_shown_as_they_were_meant_and_as_they_came(admin_client):
    sent = b"actid=1&event=Signed+up&visit=%7B%22email%22%3A%22a%40b.example%22%7D&x=%3Cb%3E%00&bad"
    rejected = make_rejected(payload=sent, payload_length=len(sent))

    html = admin_client.get(change_url(rejected)).text

    assert "<tr><th>event</th><td>Signed up</td></tr>" in html
    assert "<tr><th>visit</th><td>{&quot;email&quot;:&quot;a@b.example&quot;}</td></tr>" in html
    assert "<tr><th>x</th><td>&lt;b&gt;\\x00</td></tr>" in html
    assert "visit=%7B%22email%22" in html


@pytest.mark.parametrize("sent", [b"{broken=1", b"a b=c", b"<a href=x>", b"=1", b"no form"])
def test_what_is_no_form_is_not_shown_as_one(sent):
    assert "<table" not in readable_payload(sent)


def test_a_form_is_shown_without_what_is_personal_in_it(client):
    make_rule(make_activity_type(), name="phone", is_personal=True)
    sent = b"event=Signed+up&phone=5550100"
    rejected = make_rejected(payload=sent, payload_length=len(sent))
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_rejectedactivity"))
    client.force_login(user)

    html = client.get(change_url(rejected)).text

    assert "<th>phone</th><td>Hidden (7 characters)</td>" in html
    assert "<th>event</th><td>Signed up</td>" in html
    assert "5550100" not in html


def test_a_line_leads_to_what_was_recorded_of_its_request(admin_client):
    activity = make_activity(type=make_activity_type())
    rejected = make_rejected(
        status=Status.INVALID_ACCEPTED, code="wrong_property", request_id=activity.request_id
    )

    html = admin_client.get(change_url(rejected)).text

    assert changelist_url(Activity, f"q={activity.request_id}") in html
    assert change_url(activity.type) in html


def test_a_line_of_what_was_not_recorded_leads_to_no_activities(admin_client):
    html = admin_client.get(change_url(make_rejected())).text

    assert "Show everything of this request" not in html


def test_a_line_names_no_type_if_its_request_had_several(admin_client):
    first = make_activity(type=make_activity_type())
    make_activity(request_id=first.request_id)
    rejected = make_rejected(
        status=Status.INVALID_ACCEPTED, code="wrong_property", request_id=first.request_id
    )

    assert change_url(first.type) not in admin_client.get(change_url(rejected)).text


def test_a_line_leads_nowhere_that_its_reader_may_not_go(client):
    activity = make_activity(type=make_activity_type())
    rejected = make_rejected(
        status=Status.INVALID_ACCEPTED, code="wrong_property", request_id=activity.request_id
    )
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_rejectedactivity"))
    client.force_login(user)

    html = client.get(change_url(rejected)).text

    assert "Show everything of this request" not in html
    assert change_url(activity.type) not in html


LONG = {
    "type": "first\nsecond\tthird",
    "url": "https://shop.example.com/loans/applyword?utm_campaign=campword",
    "contactFields": {"ContactEmail": "person@exampleword.example"},
    "id": "06b035b8-6658-4a1b-b1de-5994e4975fb1",
}


@pytest.mark.parametrize(
    "term",
    [
        "first",
        "second",
        "third",
        "applyword",
        "campword",
        "utm_campaign",
        "person",
        "exampleword",
        "person@exampleword.example",
        LONG["url"],
        LONG["id"],
        LONG["id"].replace("-", ""),
        "Campaign=CAMPW",
        "5994e49",
        "x" * 5000,
        "grüß",
    ],
)
def test_search_finds_every_word_that_was_sent(admin_client, term):
    payload = json.dumps(
        {**LONG, "long": "x" * 5000, "ü": "Grüße", "bare": LONG["id"].replace("-", "")}
    )
    rejected = make_rejected(payload=payload.encode(), payload_text=readable(payload.encode()))
    make_rejected("loans of shop")

    html = admin_client.get(changelist_url(RejectedActivity), {"q": term}).text

    assert "1 inspector line<" in html
    assert change_url(rejected) in html


@pytest.mark.parametrize(
    "term", ["?", "' | !", "secondary", "nsecond", "w " * 20_000, "²", "\\", "<->", "a:*b"]
)
def test_search_for_what_was_not_sent_finds_nothing(admin_client, term):
    make_rejected("first\nsecond")

    response = admin_client.get(changelist_url(RejectedActivity), {"q": term})

    assert response.status_code == 200
    assert "Nothing matches" in response.text


@pytest.mark.parametrize("term", ["word", "two words", "06b035b8-6658-4a1b-b1de-5994e4975fb1"])
def test_search_reads_indexes_only(term):
    found = search_rejections(RejectedActivity.objects.all(), term)

    plan = plan_of(found, without=["seqscan"])

    assert "rejection_words" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("name", ["code", "door", "test_code"])
def test_filters_take_what_no_text_can_hold(admin_client, name):
    make_rejected()

    response = admin_client.get(changelist_url(RejectedActivity, f"{name}=%00"), follow=True)

    assert response.status_code == 200
    assert response.redirect_chain[0][0].endswith("?e=1")


def test_the_list_shows_the_beginning_of_what_was_sent(admin_client):
    make_rejected(payload="é".encode() * 50_000 + b"\xff\0")
    make_rejected(payload=b"\0\xff<b>")

    html = admin_client.get(changelist_url(RejectedActivity)).text

    assert f">{'é' * 160}<" in html
    assert ">\ufffd\ufffd&lt;b&gt;<" in html


def heading(page):
    """The way to a page, as its head shows it."""
    parts = re.findall(
        r"<(?:a|span)[^>]* truncate tracking-tight[^>]*>(.*?)<", page.text, re.DOTALL
    )
    return [unescape(part.strip()) for part in parts]


def test_the_list_is_called_what_the_sidebar_calls_it(admin_client):
    make_rejected()
    page = admin_client.get(changelist_url(RejectedActivity))

    assert page.context["title"] == "Inspector"
    assert heading(page) == ["Inspector"]
    assert "1 inspector line<" in page.text


def test_the_way_back_from_a_line_is_called_what_the_list_is_called(admin_client):
    rejected = make_rejected()

    assert heading(admin_client.get(change_url(rejected))) == ["Inspector", str(rejected)]


@pytest.mark.parametrize(
    ("door", "name"),
    [
        ("headless", "Tracking API"),
        ("crosssite", "Website tracking"),
        ("python", "Python"),
        ("activecampaign", "ActiveCampaign"),
        ("activecampaign-api", "ActiveCampaign API"),
        ("commandersact", "Commanders Act"),
        ("commandersact-config", "Commanders Act Config API"),
        ("test", "test"),
    ],
)
def test_formats_have_readable_names(admin_client, door, name):
    rejected = make_rejected(door=door)
    make_rejected(door="other")

    page = admin_client.get(changelist_url(RejectedActivity, f"door={door}"))

    assert "1 inspector line<" in page.text
    assert re.search(rf"field-shown_format_name[^>]*>\s*{name}\s*</td>", page.text)
    assert re.search(rf'<option value="{door}"\s+selected>\s*{name}\s*</option>', page.text)
    assert re.search(rf">\s*{name}\s*<", admin_client.get(change_url(rejected)).text)


def test_several_statuses_can_be_chosen(admin_client):
    shown = [make_rejected(status=status) for status in (Status.FAILED, Status.FILTERED)]
    make_rejected(status=Status.VALID)

    query = "status__exact=failed&status__exact=filtered"
    page = admin_client.get(changelist_url(RejectedActivity, query))

    assert "2 inspector lines<" in page.text
    assert all(change_url(line) in page.text for line in shown)
