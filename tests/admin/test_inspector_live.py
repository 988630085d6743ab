"""What arrives now, and who sends it."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from activities import senders
from activities.models import PropertyRule, SenderCount
from adminsite.formatting import change_url
from crosssite.models import TrackedSite
from tests.admin.history import NASTY, make_rejected
from tests.factories import make_activity, make_activity_type, make_channel, make_contact, make_key

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "admin:activities_rejectedactivity_"
ROWS = reverse(f"{BASE}live_rows")
SENDERS = reverse(f"{BASE}senders")


@pytest.fixture
def committed(transactional_db):
    """What is recorded is committed: only that arrives."""


@pytest.fixture
def superuser(client, django_user_model, committed):
    user = django_user_model.objects.create_superuser("admin", password="x")
    client.force_login(user)
    return client


def ask(client, after="", **query):
    answer = json.loads(client.get(ROWS, {"after": after, **query}).content)
    return answer["rows"], answer["after"]


def test_live_view_shows_what_arrives_and_each_activity_once(superuser):
    contact, channel = make_contact(), make_channel()
    make_activity(contact, channel=channel, title="Before")
    html, after = ask(superuser)
    assert "Before" in html

    activity = make_activity(contact, channel=channel, title="New")
    html, after = ask(superuser, after)
    assert change_url(activity) in html
    assert "Before" not in html

    html, after = ask(superuser, after)
    assert "New" not in html


def test_live_view_has_what_was_refused(superuser):
    _, after = ask(superuser)

    line = make_rejected("loan_calc", named="loan_calc")

    html, _ = ask(superuser, after)
    assert change_url(line) in html
    assert "There is no activity type “loan_calc”." in html


def test_live_view_of_a_channel_or_site_has_nothing_else(superuser):
    channel = make_channel(kind="website", domain="main.example")
    site = TrackedSite.objects.create(
        name="Shop", code_name="s", url="https://s.example", channel=channel
    )
    _, after = ask(superuser)
    here = make_activity(channel=channel, tracked_site=site)
    other = make_activity()
    refused = make_rejected(channel=channel, context={"site": site.pk})
    elsewhere = make_rejected()

    for query in ({"channel": channel.pk}, {"site": site.pk}):
        html, _ = ask(superuser, after, **query)
        assert change_url(here) in html
        assert change_url(refused) in html
        assert change_url(other) not in html
        assert change_url(elsewhere) not in html


@pytest.mark.parametrize("after", ["", "x", "1-1", "-", "9999999999999999999999-1", "\0", "1"])
def test_page_that_was_away_begins_anew(superuser, after):
    make_activity(title="Latest")

    assert "Latest" in ask(superuser, after)[0]


def test_live_view_is_bounded(superuser):
    contact, channel = make_contact(), make_channel()
    _, after = ask(superuser)
    for number in range(60):
        make_activity(contact, channel=channel, title=f"n{number}")

    answer = json.loads(superuser.get(ROWS, {"after": after}).content)

    assert answer["rows"].count("<tr ") == 50
    assert answer["more"] is True


def test_live_rows_cost_the_same_for_any_number(superuser):
    counts = set()
    for number in (1, 3):
        _, after = ask(superuser)
        for _ in range(number):
            make_activity()
            make_rejected()
        with CaptureQueriesContext(connection) as queries:
            ask(superuser, after)
        counts.add(len(queries))

    assert len(counts) == 1


def test_live_view_hides_personal_data_from_users_who_may_not_see_contacts(log_in, committed):
    client = log_in("view_rejectedactivity", "view_activity")
    loan = make_activity_type()
    PropertyRule.objects.create(activity_type=loan, name="iban", is_personal=True)
    _, after = ask(client)
    make_activity(type=loan, title="Loan 'DE02'")
    make_activity(title="Page visit 'ada@example.com'")
    make_rejected(reason="ada@example.com is nobody")

    html, _ = ask(client, after)

    assert "DE02" not in html
    assert "ada@" not in html
    assert "Loan calculator usage" in html


def test_user_who_may_not_see_activities_sees_what_is_refused(log_in, committed):
    client = log_in("view_rejectedactivity")
    _, after = ask(client)
    make_activity(title="Secret")
    make_rejected("loan_calc")

    html, _ = ask(client, after)

    assert "Secret" not in html
    assert "loan_calc" in html


def test_nothing_breaks_out_of_the_live_view(superuser):
    make_activity(title=NASTY, type=make_activity_type(name=NASTY))
    make_rejected(NASTY, named=NASTY, reason=NASTY)

    html, _ = ask(superuser)

    assert "<script>alert" not in html
    assert "<img src=x" not in html


# Senders


def count(channel, *, door="headless", key_id=None, site_id=None, recorded=1, refused=0, **ago):
    at = timezone.now() - timedelta(**ago)
    SenderCount.objects.create(
        channel=channel,
        door=door,
        key_id=key_id,
        tracked_site_id=site_id,
        hour=at.replace(minute=0, second=0, microsecond=0),
        recorded=recorded,
        refused=refused,
        last_at=at,
    )


def test_senders_have_last_time_rate_and_share_refused(superuser):
    channel = make_channel(name="Shop")
    key, _ = make_key(channel, name="iOS app")
    count(channel, key_id=key.pk, recorded=15, refused=5)
    count(channel, key_id=key.pk, recorded=80, hours=3)
    count(channel, door="activecampaign", recorded=1, days=20)

    rows = superuser.get(SENDERS).context["rows"]

    assert [(row["format"], str(row["key"] or "")) for row in rows] == [
        ("Tracking API", str(key)),
        ("ActiveCampaign", ""),
    ]
    first, old = rows
    assert (first["hour"], first["day"], first["refused"], first["share"]) == (20, 100, 5, "5 %")
    assert (old["day"], old["share"], old["month"]) == (0, "", 1)
    assert 'aria-label="Each hour: ' in str(first["trend"])


@pytest.mark.parametrize("number", [1, 3])
def test_senders_ask_the_same_for_any_number(superuser, number):
    for _ in range(number):
        channel = make_channel(kind="website", domain=f"{uuid4().hex}.example")
        key, _ = make_key(channel)
        site = TrackedSite.objects.create(
            name="S", code_name=uuid4().hex, url="https://s.example", channel=channel
        )
        count(channel, key_id=key.pk)
        count(channel, door="crosssite", site_id=site.pk)
    superuser.get(SENDERS)

    with CaptureQueriesContext(connection) as queries:
        superuser.get(SENDERS)

    assert len(queries) == 9


def test_sender_whose_key_or_channel_is_gone_is_still_told(superuser):
    channel = make_channel()
    key, _ = make_key(channel)
    count(channel, key_id=key.pk)
    key._meta.model.objects.filter(pk=key.pk)._raw_delete("default")

    assert "deleted key" in superuser.get(SENDERS).text


def test_what_a_process_has_counted_is_added_to_the_hour(monkeypatch, committed):
    channel = make_channel()
    key, _ = make_key(channel)
    monkeypatch.setattr(senders, "_uses", senders._Uses())
    sender = senders._Sender(channel.pk, "headless", key.pk, None)
    other = senders._Sender(channel.pk, "crosssite", None, None)

    for _ in range(2):
        assert senders._uses.add(sender, 2, 1) is True
        assert senders._uses.add(sender, 1, 0) is False
        senders._uses.add(other, 1, 0)
        senders.write_counts()
    senders.write_counts()

    counted = SenderCount.objects.get(key=key)
    assert (counted.recorded, counted.refused) == (6, 2)
    assert SenderCount.objects.get(door="crosssite").recorded == 2


def test_old_counts_of_senders_are_forgotten():
    channel = make_channel()
    count(channel, days=40)
    count(channel)

    assert senders.forget_old_sender_counts() == 1
