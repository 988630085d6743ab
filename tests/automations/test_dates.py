"""Contacts enter on their date, once a year, where it is that day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from automations import dates
from automations.dates import let_in_by_dates
from automations.entering import start
from automations.models import Run
from contacts.merging import request_merge
from contacts.models import ContactMerge
from tests.automations.entries import make_automation, refusals, runs
from tests.factories import make_activity, make_contact
from tests.plans import plan_of
from tests.work import do_merges

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hub_in_vienna(settings):
    settings.TIME_ZONE = "Europe/Vienna"


@pytest.fixture
def let_in_at(monkeypatch):
    """Let contacts in as if it were a time of UTC, such as "2126-05-03 07:00"."""

    def let_in(text):
        now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        monkeypatch.setattr(dates, "clock", lambda: now)
        let_in_by_dates()

    return let_in


def make_birthday_automation(**members):
    """An automation for birthdays; all that tests let happen is long after it was switched on."""
    fields = {name: members.pop(name) for name in ("runs", "steps") if name in members}
    return make_automation({"type": "date", "field": "birthday", **members}, **fields)


def born(day, **fields):
    return make_contact(birthday=date.fromisoformat(day), **fields)


def test_contacts_enter_on_their_birthday_at_the_hour_of_the_hub(let_in_at):
    automation = make_birthday_automation()
    ada = born("1990-05-03")
    born("1990-05-04")
    born("1990-06-03")

    let_in_at("2126-05-03 06:59")
    assert runs(automation) == []
    let_in_at("2126-05-03 07:00")

    run = Run.objects.get()
    assert (run.contact, run.cause, run.cause_id) == (ada, "date", 2126)


def test_contacts_enter_once_a_year(let_in_at):
    automation = make_birthday_automation()
    born("1990-05-03")

    for text in ("2126-05-03 07:00", "2126-05-03 07:01", "2126-05-04 07:00", "2127-05-03 07:00"):
        let_in_at(text)

    assert list(Run.objects.order_by("pk").values_list("cause_id", flat=True)) == [2126, 2127]
    assert refusals(automation) == {}


def test_a_hub_that_was_off_at_nine_catches_up_on_the_same_day_and_not_later(let_in_at):
    automation = make_birthday_automation()
    ada = born("1990-05-03")
    born("1990-05-02")

    let_in_at("2126-05-03 21:59")

    assert runs(automation) == [ada.pk]


def test_days_before_count_from_the_birthday_also_into_the_next_year(let_in_at):
    automation = make_birthday_automation(days_before=10, at="08:30")
    ada = born("1990-01-05")

    let_in_at("2126-12-26 07:30")

    assert runs(automation) == [ada.pk]
    assert Run.objects.get().cause_id == 2127


@pytest.mark.parametrize(
    ("now", "enters"),
    [("2127-02-28 08:00", True), ("2128-02-28 08:00", False), ("2128-02-29 08:00", True)],
)
def test_the_29_february_is_the_28th_in_other_years(let_in_at, now, enters):
    automation = make_birthday_automation()
    ada = born("1992-02-29")

    let_in_at(now)

    assert runs(automation) == ([ada.pk] if enters else [])


def test_a_zone_of_its_own_counts(let_in_at):
    automation = make_birthday_automation(zone="America/New_York")
    ada = born("1990-05-03")

    let_in_at("2126-05-03 12:59")
    assert runs(automation) == []
    let_in_at("2126-05-03 13:00")
    assert runs(automation) == [ada.pk]


def test_each_contact_has_nine_o_clock_where_their_device_is(let_in_at):
    automation = make_birthday_automation(zone="contact")
    zones = ("Pacific/Auckland", "America/Los_Angeles", None)
    contacts = [born("1990-05-03") for _ in zones]
    for contact, zone in zip(contacts, zones, strict=True):
        if zone:
            make_activity(contact, properties={"context": {"device": {"timezone": zone}}})
    auckland, los_angeles, vienna = (contact.pk for contact in contacts)

    let_in_at("2126-05-02 21:00")
    assert runs(automation) == [auckland]
    let_in_at("2126-05-03 07:00")
    assert runs(automation) == [auckland, vienna]
    let_in_at("2126-05-04 00:00")

    assert runs(automation) == [auckland, vienna, los_angeles]


def test_an_automation_that_is_switched_on_after_the_hour_begins_tomorrow(let_in_at):
    automation = make_birthday_automation(at="00:00")
    today = automation.enabled_at.astimezone(ZoneInfo("Europe/Vienna")).date()
    make_contact(birthday=today.replace(year=1992))
    tomorrow = today + timedelta(days=1)
    ada = make_contact(birthday=tomorrow.replace(year=1992))

    let_in_at(f"{automation.enabled_at:%Y-%m-%d %H:%M:%S.%f}")
    let_in_at(f"{tomorrow} 12:00")

    assert runs(automation) == [ada.pk]


def test_survivor_of_a_merge_has_one_birthday_a_year(let_in_at):
    automation = make_birthday_automation()
    survivor, loser = born("1990-05-03", email="ada@example.com"), born("1990-05-03")
    let_in_at("2126-05-03 07:00")
    assert len(runs(automation)) == 2
    Run.objects.filter(contact=survivor).delete()
    request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    do_merges()

    let_in_at("2126-05-03 07:01")

    assert runs(automation) == [survivor.pk]


@pytest.mark.parametrize("how_often", ["once", "if_not_running"])
def test_who_may_not_enter_again_is_not_refused_every_few_seconds(let_in_at, how_often):
    automation = make_birthday_automation(runs=how_often)
    born("1990-05-03")

    for text in ("2126-05-03 07:00", "2127-05-03 07:00", "2127-05-03 07:01"):
        let_in_at(text)

    assert len(runs(automation)) == 1
    assert refusals(automation) == {}


def test_the_rule_of_the_trigger_decides(let_in_at):
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    automation = make_birthday_automation(rule=rule)
    ada = born("1990-05-03", country="AUT")
    born("1990-05-03", country="DEU")

    let_in_at("2126-05-03 07:00")

    assert runs(automation) == [ada.pk]


def test_those_whom_the_rule_leaves_out_are_not_locked(let_in_at, monkeypatch):
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    make_birthday_automation(rule=rule)
    ada = born("1990-05-03", country="AUT")
    born("1990-05-03", country="DEU")
    asked = []
    enter_all = dates.enter_all

    def enter(wanted):
        asked.extend(entry.contact_id for entries in wanted.values() for entry in entries)
        return enter_all(wanted)

    monkeypatch.setattr(dates, "enter_all", enter)

    for text in ("2126-05-03 07:00", "2126-05-03 07:01"):
        let_in_at(text)

    assert asked == [ada.pk]


@pytest.mark.parametrize("how_often", ["many", "if_not_running"])
def test_who_entered_ten_times_today_is_not_refused_every_few_seconds(let_in_at, how_often):
    automation = make_birthday_automation(runs=how_often)
    contact = born("1990-05-03")
    for _ in range(10):
        start(automation, contact, cause="code")
        Run.objects.update(status="done", finished_at=timezone.now())

    let_in_at("2126-05-03 07:00")

    assert (len(runs(automation)), refusals(automation)) == (10, {})


def test_contacts_of_a_day_are_found_by_an_index():
    plan = plan_of(
        dates._BORN, {"month": 5, "days": [3], "year": 2126, "automation": 1, "runs": "many"}
    )

    assert "contacts_by_birthday" in plan
