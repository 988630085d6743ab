from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from activities.models import ActivityType, RejectedActivity
from activities.problems import Status
from adminsite.formatting import change_url, changelist_url
from adminsite.roles import give_roles
from consents.agreements import record_agreement
from groups.models import MembershipEvent
from tests.admin.history import make_rejected
from tests.admin.morning import (
    bars,
    count,
    dashboard,
    figure_of,
    figures,
    rows_behind,
    today,
    yesterday,
)
from tests.admin.pages import form_on
from tests.automations.mails import add_event, make_email
from tests.factories import (
    make_activity,
    make_activity_type,
    make_consent,
    make_contact,
    make_group,
)

pytestmark = pytest.mark.django_db


def test_people_are_new_known_or_came_back(admin_client):
    new, known = make_contact(), make_contact(email="anna@example.com")
    make_activity(new, occurred_at=today())
    make_activity(known, occurred_at=today())
    make_activity(known, occurred_at=yesterday())
    make_activity(make_contact(), occurred_at=today() - timedelta(days=3))
    make_contact(email="never@example.com")
    count()

    page = dashboard(admin_client)

    shown = figures(page)
    assert shown["People"] == ("2", "+1")
    assert shown["New people"] == ("1", "no change")
    assert shown["Came back"] == ("1", "+1")
    assert shown["Known people"] == ("1", "no change")
    assert "2 people, 1 of them new and 1 who came back" in page.context["sentence"]
    for name, behind in {
        "People": {new, known},
        "New people": {new},
        "Came back": {known},
        "Known people": {known},
    }.items():
        assert set(rows_behind(admin_client, figure_of(page, name).url)) == behind


def test_each_bar_of_the_chart_leads_to_its_people(admin_client):
    contact = make_contact()
    make_activity(contact, occurred_at=yesterday() + timedelta(hours=7, minutes=30))
    count()

    (chart,) = dashboard(admin_client, range="yesterday").context["charts"]

    assert [column.counts for column in chart.columns] == [
        (0, 1) if hour == 7 else (0, 0) for hour in range(24)
    ]
    assert rows_behind(admin_client, chart.columns[7].url) == [contact]
    assert rows_behind(admin_client, chart.columns[8].url) == []


def test_a_range_of_days_has_a_bar_for_each(admin_client):
    make_activity(make_contact(), occurred_at=today() - timedelta(days=2))
    count()
    first, last = today() - timedelta(days=3), yesterday()

    page = dashboard(admin_client, **{"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"})

    (chart,) = page.context["charts"]
    assert [column.counts for column in chart.columns] == [(0, 0), (0, 1), (0, 0)]
    assert len(rows_behind(admin_client, chart.columns[1].url)) == 1
    assert len(rows_behind(admin_client, figure_of(page, "People").url)) == 1


def test_activities_and_conversions_lead_to_their_list(admin_client):
    goal = make_activity_type("custom_purchase", name="Purchase", goal=True)
    bought = make_activity(type=goal, occurred_at=today())
    visited = make_activity(occurred_at=today())
    make_activity(occurred_at=yesterday())
    make_activity(occurred_at=yesterday())
    count()

    page = dashboard(admin_client)

    assert figures(page)["Activities"] == ("2", "no change")
    assert figures(page)["Conversions"] == ("1", "+1")
    assert "1 conversion" in page.context["sentence"]
    for name, behind in {"Activities": {bought, visited}, "Conversions": {bought}}.items():
        assert set(rows_behind(admin_client, figure_of(page, name).url)) == behind
    (purchase,) = bars(page, "Conversions")
    assert (purchase.name, purchase.count) == ("Purchase", 1)
    assert rows_behind(admin_client, purchase.url) == [bought]
    assert {bar.name: bar.count for bar in bars(page, "Activities by type")} == {
        "Purchase": 1,
        "Page visit": 1,
    }


def test_a_marketer_marks_a_type_as_a_goal_and_what_was_done_counts(client):
    bought = make_activity(type=make_activity_type("custom_purchase"), occurred_at=today())
    count()
    mia = User.objects.create_user("mia", password="secret", is_staff=True)
    give_roles(mia, ["marketer"])
    client.force_login(mia)
    page = change_url(bought.type)
    goals = {"goal__exact": 1}

    assert figures(dashboard(client))["Conversions"] == ("0", "no change")
    form = form_on(client.get(page))
    client.post(page, form | {"goal": "on"})
    marked = client.get(changelist_url(ActivityType), goals)
    conversions = figure_of(dashboard(client), "Conversions")
    client.post(page, form)

    assert list(marked.context["cl"].result_list) == [bought.type]
    assert conversions.value == "1"
    assert rows_behind(client, conversions.url) == [bought]
    assert figures(dashboard(client))["Conversions"] == ("0", "no change")


def test_conversions_of_several_goals_are_one_list(admin_client):
    bought = [
        make_activity(type=make_activity_type(name, goal=True), occurred_at=today())
        for name in ("custom_a", "custom_b")
    ]
    make_activity(occurred_at=today())
    count()

    url = figure_of(dashboard(admin_client), "Conversions").url

    assert set(rows_behind(admin_client, url)) == set(bought)


def test_pages_and_sources_lead_to_their_visits(admin_client):
    visit = make_activity(
        occurred_at=today(),
        url="https://www.example.com/loans/?utm_source=May%20news&utm_campaign=a%26b#x",
        referrer="https://www.google.com/search",
    )
    make_activity(
        occurred_at=today(),
        url="https://www.example.com/loans-2?utm_source=May%20newsletter",
        referrer="https://shop.example.com/",
    )
    make_activity(
        occurred_at=today(), url="https://shop.example.com/", referrer="https://google.com/"
    )
    count()

    page = dashboard(admin_client)

    pages = {bar.name: bar for bar in bars(page, "Top pages")}
    assert set(pages) == {"www.example.com/loans", "www.example.com/loans-2", "shop.example.com"}
    assert rows_behind(admin_client, pages["www.example.com/loans"].url) == [visit]
    # The shop is a website of this hub.
    sources = {bar.name: bar for bar in bars(page, "Sources: other websites")}
    assert set(sources) == {"www.google.com", "google.com"}
    assert rows_behind(admin_client, sources["www.google.com"].url) == [visit]
    campaigns = {bar.name: bar for bar in bars(page, "Sources: campaigns")}
    assert set(campaigns) == {"May news / a&b", "May newsletter"}
    assert rows_behind(admin_client, campaigns["May news / a&b"].url) == [visit]


def test_a_page_with_something_left_out_leads_to_its_visits(admin_client):
    visit = make_activity(occurred_at=today(), url="https://x.example/orders/12345678/?a=1")
    make_activity(occurred_at=today(), url="https://x.example/orders.")
    count()

    found = {bar.name: bar.url for bar in bars(dashboard(admin_client), "Top pages")}

    assert rows_behind(admin_client, found["x.example/orders/\N{HORIZONTAL ELLIPSIS}"]) == [visit]


def test_of_consents_the_rate_is_shown(admin_client):
    consent = make_consent(name="Newsletter")
    for agreed in (True, True, True, False):
        record_agreement(
            make_contact(), consent, agreed=agreed, channel=None, language="en", at=today()
        )
    record_agreement(
        make_contact(), consent, agreed=False, channel=None, language="en", at=yesterday()
    )
    count()

    page = dashboard(admin_client)

    assert figures(page)["Consent rate"] == ("75 %", "+75 points")
    (bar,) = bars(page, "Consents")
    assert (bar.name, bar.text) == ("Newsletter", "75 % of 4")
    assert len(rows_behind(admin_client, bar.url)) == 4


def test_groups_that_grew_are_shown(admin_client):
    grown, shrunk = make_group("grown", static=True), make_group("shrunk", static=True)
    contacts = [make_contact() for _ in range(3)]
    for group, entered, number in ((grown, True, 3), (grown, False, 1), (shrunk, False, 2)):
        for contact in contacts[:number]:
            MembershipEvent.objects.create(
                group=group, contact=contact, entered=entered, at=today(), cause="user"
            )
    count()

    (bar,) = bars(dashboard(admin_client), "Groups that grew")

    assert (bar.name, bar.text, bar.change.text) == ("Grown", "+2", "+2")


def test_emails_lead_to_those_of_which_it_became(admin_client):
    email, other = make_email(), make_email()
    add_event(email, "sent", at=today())
    add_event(email, "clicked", at=today())
    add_event(other, "clicked", at=today(), by_robot=True)
    add_event(other, "sent", at=yesterday())
    count()

    page = dashboard(admin_client)

    assert figures(page)["Emails sent"] == ("1", "no change")
    assert rows_behind(admin_client, figure_of(page, "Emails sent").url) == [email]
    (_, clicked) = bars(page, "Emails")
    assert (clicked.name, clicked.count) == ("Clicked", 1)
    assert rows_behind(admin_client, clicked.url) == [email]


def test_what_was_refused_is_shown_by_cause(admin_client):
    for status in Status:
        make_rejected(status=status, at=today())
    make_rejected(status=Status.FAILED, at=today(), code="missing_url")
    make_rejected(status=Status.FAILED, at=yesterday())

    page = dashboard(admin_client)

    assert figures(page)["Refused"] == ("3", "+2")
    assert figure_of(page, "Refused").change.kind == "bad"
    lines = rows_behind(admin_client, figure_of(page, "Refused").url)
    assert {line.status for line in lines} == {Status.INVALID_REJECTED, Status.FAILED}
    assert [(bar.name, bar.count) for bar in bars(page, "Refused, by cause")] == [
        ("unknown type", 2),
        ("missing url", 1),
    ]
    (line,) = rows_behind(admin_client, bars(page, "Refused, by cause")[1].url)
    assert line.code == "missing_url"


def test_what_was_refused_and_let_in_since_is_said(admin_client):
    refused = [make_rejected(at=today(), replayed=replayed) for replayed in ("repeated", "failed")]

    def shown():
        page = dashboard(admin_client)
        figure = figure_of(page, "Refused")
        return figure.value, figure.note, figure.is_urgent, page.context["sentence"]

    *some, sentence = shown()
    assert some == ["2", "1 of them let in since", True]
    assert "2 activities were refused, 1 of them let in since" in sentence
    RejectedActivity.objects.filter(pk=refused[1].pk).update(replayed="repeated")
    *every, sentence = shown()
    assert every == ["2", "All let in since", False]
    assert "2 activities were refused, all let in since" in sentence
    refused[0].delete()
    assert shown()[1] == "Let in since"


def test_refusals_are_not_compared_with_those_that_are_not_kept(admin_client, settings):
    settings.REJECTED_KEPT_DAYS = 30
    make_rejected(status=Status.FAILED, at=today())

    page = dashboard(admin_client, range="30")

    assert figures(page)["Refused"] == ("1", "")
    assert [bar.change for bar in bars(page, "Refused, by cause")] == [None]
    assert (
        "older lines are not kept" in figure_of(dashboard(admin_client, range="90"), "Refused").note
    )


def test_of_very_many_refusals_the_newest_are_looked_at(admin_client, monkeypatch):
    monkeypatch.setattr("activities.admin.dashboard._MOST_LINES", 2)
    for _ in range(3):
        make_rejected(status=Status.FAILED, at=today())

    assert figures(dashboard(admin_client))["Refused"][0] == "at least 2"
