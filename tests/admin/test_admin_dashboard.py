from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from activities.models import DataInput
from adminsite.dashboard import compare, compare_rates
from adminsite.periods import read_period
from automations.models import Automation
from crosssite.models import TrackedSite
from destinations.models import Destination
from groups.admin.from_lists import translate
from readers.models import ReaderState
from tests.admin.history import NASTY, make_history, make_rejected
from tests.admin.morning import (
    bars,
    count,
    dashboard,
    figures,
    rows_behind,
    today,
)
from tests.automations.mails import make_email
from tests.factories import (
    make_activity,
    make_channel,
    make_contact,
    make_key,
)

pytestmark = pytest.mark.django_db


def test_who_sent_something_and_sends_nothing_any_more_is_silent(admin_client):
    silent, sends, long_ago = (make_channel(name=name) for name in ("Old app", "App", "Ancient"))
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example.com", channel=silent
    )
    now = timezone.now()
    make_activity(channel=silent, tracked_site=site, occurred_at=now - timedelta(days=2, hours=1))
    make_activity(channel=sends, occurred_at=now - timedelta(minutes=5))
    make_activity(channel=long_ago, occurred_at=now - timedelta(days=40))
    count()

    page = dashboard(admin_client)

    ((channel,), (shop,)) = (
        bars(page, title) for title in ("Channels gone silent", "Tracked sites gone silent")
    )
    assert (channel.name, channel.text) == ("Old app", "for 2\xa0days")
    assert (shop.name, shop.text) == ("Shop", "for 2\xa0days")
    assert admin_client.get(channel.url).status_code == 200
    assert "1 channel has gone silent; 1 tracked site has gone silent" in page.context["sentence"]


def test_the_figures_of_this_moment(admin_client):
    contact = make_contact(email="anna@example.com")
    make_contact(merged_into=contact)

    page = dashboard(admin_client)

    found = {figure.name: (figure.value, figure.note) for figure in page.context["work"]}
    assert found == {
        "Contacts": ("1", "1 known by email"),
        "Data inputs waiting": ("0", "All are applied"),
        "Merges to decide": ("0", "Nothing needs you"),
        "Requests of persons": ("0", "Nothing needs you"),
        "Workers": ("Not seen", "No sign of a worker and a scheduler yet"),
        "Readers": ("All work", "What follows from what is recorded is done"),
    }


def test_very_many_contacts_are_estimated(admin_client, monkeypatch):
    make_contact(email="anna@example.com")
    make_contact()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
    monkeypatch.setattr("contacts.admin.dashboard._EXACT_CONTACTS", 1)

    page = dashboard(admin_client)

    (found,) = (figure for figure in page.context["work"] if figure.name == "Contacts")
    assert (found.value, found.note) == ("about 2", "about 1 known by email")


def test_each_user_gets_the_cards_of_what_they_may_see(log_in):
    make_activity(occurred_at=today())
    make_rejected(at=today())
    count()

    page = dashboard(log_in("view_rejectedactivity", "view_channel"))

    assert list(figures(page)) == ["Refused"]
    assert [one.title for one in page.context["lists"]] == [
        "Refused, by cause",
        "Activities by channel",
        "Channels gone silent",
    ]
    assert not page.context["charts"]


def test_who_may_not_know_contacts_sees_no_pages_and_no_people(log_in):
    make_activity(occurred_at=today())
    count()

    page = dashboard(log_in("view_activity"))

    assert list(figures(page)) == ["Activities", "Conversions"]
    assert "Top pages" not in {one.title for one in page.context["lists"]}
    assert "people" not in page.context["sentence"]


def test_who_may_see_nothing_is_told_so(log_in):
    assert "not see anything in it yet" in dashboard(log_in()).text


def test_an_operator_sees_how_the_hub_does(log_in):
    ReaderState.objects.create(name="seen", attempts=2)

    page = dashboard(log_in("view_chore", "view_readerstate"))

    assert figures(page) == {
        "Workers": ("Not seen", None),
        "Data inputs waiting": ("0", None),
        "Readers": ("1 fails", None),
    }
    assert not page.context["lists"]


def test_data_inputs_that_wait_are_counted_up_to_a_limit(log_in, monkeypatch):
    monkeypatch.setattr("activities.admin.dashboard.COUNTED", 1)
    for activity in [make_activity() for _ in range(3)]:
        DataInput.objects.create(contact=activity.contact, activity=activity, fields={})

    page = dashboard(log_in("view_chore", "view_readerstate"))

    assert figures(page)["Data inputs waiting"] == ("more than 1", None)


def test_while_much_has_not_been_counted_the_page_says_so(admin_client, monkeypatch):
    assert dashboard(admin_client).context["notices"] == []
    monkeypatch.setattr("figures.admin.reading._BEHIND", 1)
    make_activity()

    (notice,) = dashboard(admin_client).context["notices"]

    assert "still to count 1 activities" in notice


def test_activities_of_a_channel_lead_to_their_list(admin_client):
    channel = make_channel(name="App")
    activity = make_activity(channel=channel, occurred_at=today())
    make_activity(occurred_at=today())
    count()

    found = {one.name: one for one in bars(dashboard(admin_client), "Activities by channel")}

    assert found["App"].count == 1
    assert rows_behind(admin_client, found["App"].url) == [activity]


@pytest.mark.parametrize(
    "parameters",
    [
        {"range": "tomorrow"},
        {"from": "2026-02-30"},
        {"from": "2026-05-03", "to": "2026-05-01"},
        {"from": "2020-01-01", "to": "2021-01-01"},
        {"from": NASTY, "to": NASTY},
        {"range": "\0"},
    ],
)
def test_a_range_that_is_none_is_today_and_said_to_be_wrong(admin_client, parameters):
    page = dashboard(admin_client, **parameters)

    assert page.status_code == 200
    assert page.context["period"].key == "today"
    assert 'role="alert"' in page.text
    assert "<script>alert(" not in page.text


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("admin:contacts_contact_changelist", "people=seen.nonsense"),
        ("admin:contacts_contact_changelist", "people=by_bucket.today"),
        ("admin:automations_email_changelist", "became=sent.2026-99-99"),
        ("admin:activities_activity_changelist", "page=((("),
        ("admin:activities_activity_changelist", "referrer=%25_%5C"),
        ("admin:activities_activity_changelist", "campaign=(+/+["),
    ],
)
def test_filters_of_what_is_nothing_find_nothing(admin_client, address, query):
    make_activity(make_contact(email="anna@example.com"))
    make_email()

    assert rows_behind(admin_client, f"{reverse(address)}?{query}") == []


def test_the_filter_says_in_words_what_was_chosen(admin_client):
    url = reverse("admin:contacts_contact_changelist")

    assert (
        "New: 1 May 2025 to 7 May 2025"
        in admin_client.get(url, {"people": "new.2025-05-01..2025-05-07"}).text
    )


def test_the_filter_of_people_is_refused_to_who_may_not_see_pages(log_in):
    client = log_in("view_activity")

    answer = client.get(reverse("admin:activities_activity_changelist"), {"page": "x"})

    assert answer.status_code == 302


def test_a_group_made_of_the_list_says_that_the_filter_is_no_rule():
    query = QueryDict("from=contacts&people=new.today&country=DEU")

    found = translate(query)

    assert found.conditions == [{"type": "country", "values": ["DEU"]}]
    assert [remark for remark in found.remarks if "who was here" in remark]


def test_texts_of_strangers_are_escaped(admin_client):
    make_activity(
        occurred_at=today(),
        url=f"https://x.example/{NASTY}?utm_source={NASTY}",
        referrer=f"https://{NASTY}/",
        channel=make_channel(name=NASTY),
    )
    make_activity(occurred_at=timezone.now() - timedelta(days=3), channel=make_channel(name=NASTY))
    count()

    page = dashboard(admin_client)

    assert "<script>alert(" not in page.text
    assert "<img src=x" not in page.text


@pytest.mark.parametrize("rows", [1, 3])
def test_it_takes_a_constant_number_of_queries(admin_client, rows, django_assert_num_queries):
    for _ in range(rows):
        make_history()
    count()

    with django_assert_num_queries(54):
        dashboard(admin_client)


def test_an_empty_hub_says_what_to_do_next(admin_client):
    page = dashboard(admin_client)

    assert [step["is_done"] for step in page.context["next_steps"]] == [False] * 5
    assert "Create a channel" in page.text
    assert "nobody was here" in page.context["sentence"]
    assert "Mark an activity type as a goal" in page.text


def test_the_next_steps_follow_what_is_done(admin_client):
    make_key(make_channel())
    Automation.objects.create(name="A", code_name="a")
    Destination.objects.create(name="D", code_name="d")

    page = dashboard(admin_client)

    done = [step["is_done"] for step in page.context["next_steps"]]
    assert done == [True, True, False, True, True]


def test_the_next_steps_are_those_that_the_user_may_take(log_in):
    page = dashboard(log_in("view_activity", "view_channel", "add_automation"))

    assert [step["link"] for step in page.context["next_steps"]][3:] == ["Draw an automation"]


def test_latest_activities_are_shown(admin_client):
    make_activity(title="Page visit 'Home'")

    ((_, content),) = dashboard(admin_client).context["cards"]

    assert [one["title"] for one in content.context["latest"]] == ["Page visit 'Home'"]


def test_latest_activities_have_no_column_of_contacts_for_who_may_not_see_them(log_in):
    make_activity(title="Page visit 'Home'")

    page = dashboard(log_in("view_activity")).text

    assert "Page visit &#x27;Home&#x27;" in page
    assert "<th>Contact</th>" not in page


@pytest.mark.parametrize(
    ("now", "before", "text", "kind"),
    [
        (120, 100, "+20 %", "good"),
        (80, 100, "\N{MINUS SIGN}20 %", "bad"),
        (10, 10, "no change", "neutral"),
        (0, 0, "no change", "neutral"),
        (3, 0, "+3", "good"),
        (0, 19, "\N{MINUS SIGN}19", "bad"),
        (0, 20, "\N{MINUS SIGN}100 %", "bad"),
        (1000, 100, "10 times", "good"),
        (100_001, 100_000, "almost the same", "good"),
    ],
)
def test_a_difference_is_short_and_says_whether_it_is_good(now, before, text, kind):
    change = compare(now, before, read_period("yesterday"))

    assert (change.text, change.kind) == (text, kind)


def test_a_difference_is_a_sentence_for_who_hears_it():
    days = read_period("2026-11-01..2026-11-30")

    assert compare(30, 25, days).words == "More than the 25 of the 30 days before"
    assert compare(20, 25, days).words == "Fewer than the 25 of the 30 days before"
    assert compare(25, 25, days).words == "As many as in the 30 days before"
    assert compare_rates(50, 25, days).words == "More than the 25 % of the 30 days before"
    assert compare_rates(25, 25, days).words == "The same as the 30 days before"


def test_a_rate_differs_by_points():
    period = read_period("yesterday")

    assert compare_rates(75.4, 70.0, period).text == "+5 points"
    assert compare_rates(75.4, None, period).text == ""
    assert compare_rates(70.2, 70.0, period).text == "no change"
