"""How often a contact enters an automation, whatever happens at the same time."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from activities.erasing import erase_contact
from automations.entering import (
    ARCHIVED,
    GONE,
    NOT_MEANT,
    SWITCHED_OFF,
    Entry,
    NotEntered,
    enter,
    enter_all,
    start,
    start_or_say,
)
from automations.following import AUTOMATIONS
from automations.jobs import RUNS
from automations.models import Automation, Passage, Run
from automations.saving import save_automation
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from groups.membership import add_members
from groups.models import MembershipEvent
from jobs.working import work_off
from readers.models import Position
from tests.automations.entries import follow, make_automation, on_activity, refusals, runs
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_contact,
    make_group,
)
from tests.groups import people
from tests.threads import run_at_once
from tests.work import do_merges

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reader_that_has_begun():
    follow()


def finish(automation):
    Run.objects.filter(automation=automation).update(status="done", finished_at=timezone.now())


def merge(survivor, loser):
    request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    do_merges()


def test_many_is_ten_entries_in_24_hours_and_the_eleventh_is_counted_as_refused():
    automation, contact, channel = make_automation(on_activity()), make_contact(), make_channel()
    for _ in range(12):
        make_activity(contact, channel=channel)

    follow()

    assert len(runs(automation)) == 10
    assert refusals(automation) == {"ten": 2}
    Run.objects.filter(automation=automation).update(
        entered_at=timezone.now() - timedelta(hours=24, seconds=1)
    )
    make_activity(contact, channel=channel)
    follow()
    assert len(runs(automation)) == 11


def test_ten_entries_are_of_each_automation_by_itself():
    automations, contact = [make_automation(on_activity()) for _ in range(2)], make_contact()
    for _ in range(11):
        make_activity(contact)

    follow()

    assert [len(runs(one)) for one in automations] == [10, 10]


def test_once_is_once_also_after_the_automation_was_edited():
    automation, contact = make_automation(on_activity(), runs="once"), make_contact()
    make_activity(contact)
    make_activity(contact)
    follow()
    finish(automation)

    automation.trigger = on_activity("pagevisit", "click")
    automation.steps = []
    save_automation(automation)
    make_activity(contact)
    follow()

    assert len(runs(automation)) == 1
    assert refusals(automation) == {"once": 2}


def test_if_not_running_lets_in_again_when_the_run_is_over():
    automation, contact = make_automation(on_activity(), runs="if_not_running"), make_contact()
    make_activity(contact)
    make_activity(contact)
    follow()
    make_activity(contact)
    follow()
    assert len(runs(automation)) == 1
    assert refusals(automation) == {"running": 2}

    finish(automation)
    make_activity(contact)
    follow()
    assert len(runs(automation)) == 2


def test_if_not_running_is_ten_entries_in_24_hours_too():
    automation, contact = make_automation(runs="if_not_running"), make_contact()
    for _ in range(11):
        start(automation, contact, cause="code")
        finish(automation)

    assert len(runs(automation)) == 10
    assert refusals(automation) == {"ten": 1}


@pytest.mark.parametrize("how_often", ["once", "if_not_running"])
def test_survivor_of_a_merge_counts_the_runs_of_both(how_often):
    automation = make_automation(on_activity(), runs=how_often)
    survivor, loser = make_contact(email="ada@example.com"), make_contact()
    make_activity(loser)
    follow()
    merge(survivor, loser)

    make_activity(survivor)
    follow()

    assert runs(automation) == [survivor.pk]
    assert Run.objects.get().entered_as == loser.pk


def test_survivor_enters_for_what_the_merged_contact_did_before_it_was_read():
    automation = make_automation(on_activity())
    survivor, loser = make_contact(email="ada@example.com"), make_contact()
    make_activity(loser)
    merge(survivor, loser)

    follow()

    assert runs(automation) == [survivor.pk]


def test_a_contact_that_was_erased_before_it_was_read_does_not_enter():
    automation, contact = make_automation(on_activity()), make_contact()
    make_activity(contact)
    erase_contact(contact.pk)

    follow()

    assert runs(automation) == []


def test_a_row_of_the_log_that_is_read_twice_lets_in_once():
    automation = make_automation(on_activity())
    make_activity()
    before = list(Position.objects.filter(reader=AUTOMATIONS.name).values())
    follow()

    for place in before:
        Position.objects.filter(pk=place["id"]).update(**place)
    follow()

    assert len(runs(automation)) == 1
    assert refusals(automation) == {}


def test_the_database_refuses_two_runs_for_one_row_of_the_log():
    automation, contact = make_automation(), make_contact()
    version = automation.versions.get()
    cause = {"cause": "activity", "cause_id": 5, "entered_as": contact.pk}
    run = {"automation": automation, "version": version, "contact": contact, **cause}
    Run.objects.create(**run)

    with pytest.raises(IntegrityError, match="one_run_per_automation_and_cause"):
        Run.objects.create(**run)


@pytest.mark.parametrize(("how_often", "most"), [("once", 1), ("if_not_running", 1), ("many", 10)])
def test_programs_and_the_reader_at_once_let_in_as_often_as_one_of_them(how_often, most):
    automation = make_automation(on_activity(), runs=how_often)
    contact, channel = make_contact(), make_channel()
    for _ in range(6):
        make_activity(contact, channel=channel)

    def many():
        for _ in range(4):
            start(automation, contact, cause="api")

    run_at_once(many, many, many, follow, follow)

    assert len(runs(automation)) == most
    assert sum(refusals(automation).values()) == 18 - most


def test_one_request_that_comes_several_times_at_once_is_one_run():
    automation, contact = make_automation(runs="once"), make_contact()

    found = run_at_once(*[lambda: start_or_say(automation, contact, cause="api", cause_id=7)] * 4)

    assert set(found) == {Run.objects.get().pk}
    assert refusals(automation) == {}


def test_a_contact_that_is_erased_just_now_does_not_enter(monkeypatch):
    automation, contact = make_automation(), make_contact()
    start_or_say(automation, contact, cause="api", cause_id=7)
    erase_contact(contact.pk)

    with pytest.raises(NotEntered, match=GONE):
        start_or_say(automation, contact, cause="api", cause_id=7)


def test_entering_and_merging_at_once_lose_no_run():
    automation = make_automation(runs="once")
    pairs = [(make_contact(email=f"c{n}@example.com"), make_contact()) for n in range(20)]
    for survivor, loser in pairs:
        request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    entries = [Entry(one.pk, "code") for pair in pairs for one in pair]

    run_at_once(
        lambda: enter(automation, entries), lambda: enter(automation, entries[::-1]), do_merges
    )

    inside = Run.objects.filter(automation=automation)
    assert not inside.filter(contact__merged_into__isnull=False).exists()
    assert set(inside.values_list("contact", flat=True)) == {survivor.pk for survivor, _ in pairs}


def test_a_contact_may_be_let_in_by_hand_while_the_automation_is_switched_off():
    automation, contact = make_automation(enabled=False), make_contact()

    assert start(automation, contact, cause="api") is None
    with pytest.raises(NotEntered, match=SWITCHED_OFF):
        start_or_say(automation, contact, cause="code")
    run = start(automation, contact, cause="user")

    assert Run.objects.get().pk == run


def test_nobody_enters_an_archived_automation():
    automation, contact = make_automation(enabled=False), make_contact()
    Automation.objects.update(archived_at=timezone.now())

    with pytest.raises(NotEntered, match=ARCHIVED):
        start_or_say(automation, contact, cause="user")


def test_it_is_said_why_a_contact_does_not_enter(django_user_model):
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    choosy = make_automation({"type": "manual", "rule": rule})
    once = make_automation(runs="once")
    user = django_user_model.objects.create(username="ada")
    german, erased = make_contact(country="DEU"), make_contact()
    start(once, german, cause="user", by=user)
    erase_contact(erased.pk)

    for automation, contact, reason in [
        (choosy, german, NOT_MEANT),
        (once, german, "A contact enters once, and this one has."),
        (once, erased, GONE),
    ]:
        with pytest.raises(NotEntered, match=reason):
            start_or_say(automation, contact, cause="api")
    assert Run.objects.get(automation=once).by == user


def test_a_rule_that_cannot_be_read_any_more_lets_nobody_in_and_stops_no_other_automation():
    broken, whole = make_automation(on_activity()), make_automation(on_activity())
    broken_rule = {"match": "all", "conditions": [{"type": "gone"}]}
    Automation.objects.filter(pk=broken.pk).update(trigger=on_activity(rule=broken_rule))
    make_activity()

    follow()

    assert (len(runs(broken)), len(runs(whole))) == (0, 1)


def test_a_chain_of_automations_that_log_each_others_activities_ends_after_ten_runs():
    ping, pong = make_activity_type("custom_ping"), make_activity_type("custom_pong")
    answers = {
        one: make_automation(
            on_activity(one.code_name),
            steps=[{"type": "log_activity", "activity": other.code_name}],
        )
        for one, other in ((ping, pong), (pong, ping))
    }
    contact, channel = make_contact(), make_channel()
    make_activity(contact, channel=channel, type=ping)

    for _ in range(12):
        follow()
        work_off(RUNS)

    depths = Run.objects.order_by("pk").values_list("automation", "depth")
    turns = [answers[ping].pk, answers[pong].pk] * 5
    assert list(depths) == list(zip(turns, range(1, 11), strict=True))
    assert (refusals(answers[ping]), refusals(answers[pong])) == ({"chain": 1}, {})
    make_activity(contact, channel=channel, type=ping)
    follow()
    assert Run.objects.latest("pk").depth == 1


def test_a_chain_counts_the_group_that_a_run_has_changed():
    group = make_group()
    first = make_automation()
    second = make_automation({"type": "group", "group": group.code_name})
    contact = make_contact()
    run = Run.objects.get(pk=start(first, contact, cause="code"))
    with transaction.atomic():
        Passage.objects.create(run=run, automation=first, step=run.step)
        add_members(group, [contact.pk], cause=MembershipEvent.Cause.CODE)

    follow()

    assert Run.objects.get(automation=second).depth == 2


def test_a_chain_goes_on_through_groups_that_follow_the_group_that_a_run_has_changed():
    chosen = make_group()
    of_chosen = people.make_group("of-chosen", people.among(chosen))
    of_those = people.make_group("of-those", people.among(of_chosen))
    first = make_automation()
    second = make_automation({"type": "group", "group": of_those.code_name})
    contact = make_contact()
    run = Run.objects.get(pk=start(first, contact, cause="code"))
    with transaction.atomic():
        Passage.objects.create(run=run, automation=first, step=run.step)
        add_members(chosen, [contact.pk], cause=MembershipEvent.Cause.CODE)
    people.follow()
    assert MembershipEvent.objects.get(group=of_those).cause == "group"

    follow()

    assert Run.objects.get(automation=second).depth == 2


def test_many_thousands_enter_at_once_in_a_constant_number_of_statements(
    django_assert_max_num_queries,
):
    automation = make_automation()
    Contact.objects.bulk_create(Contact() for _ in range(5_000))
    entries = [Entry(key, "code") for key in Contact.objects.values_list("pk", flat=True)]

    with django_assert_max_num_queries(12):
        assert len(enter(automation, entries)) == len(entries)


def test_entries_with_long_data_go_to_the_database_in_parts_and_are_judged_together(monkeypatch):
    monkeypatch.setattr("automations.entering._MOST_CHARACTERS", 1_000)
    automation, contact = make_automation(runs="many"), make_contact()
    entries = [Entry(contact.pk, "activity", number, "seen", "x" * 600) for number in range(12)]

    with CaptureQueriesContext(connection) as queries:
        (entered,) = enter_all({automation.pk: entries}).values()

    texts = [one["sql"] or "" for one in queries]
    parts = [text for text in texts if "INSERT INTO automations_run " in text]
    assert len(parts) == 12
    assert (len(entered.runs), entered.counts) == (10, {"ten": 2})


def test_recording_goes_on_while_contacts_enter():
    automation, contact = make_automation(), make_contact()
    channel = make_channel()

    with transaction.atomic():
        enter_all({automation.pk: [Entry(contact.pk, "code")]})
        run_at_once(lambda: make_activity(contact, channel=channel))

    assert contact.activities.exists()


def test_refused_entries_are_said_on_the_page_of_the_automation(admin_client):
    automation, contact = make_automation(runs="once"), make_contact()
    for _ in range(3):
        start(automation, contact, cause="api")

    page = admin_client.get(reverse("admin:automations_automation_change", args=[automation.pk]))

    text = " ".join(strip_tags(page.content.decode()).split())
    assert "2 entries were refused: A contact enters once, and this one has." in text
