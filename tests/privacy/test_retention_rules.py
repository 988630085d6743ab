from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.chores import make_chores
from jobs.models import Chore
from jobs.working import work_off
from privacy.jobs import RETENTION
from privacy.models import RetentionRule, RetentionRun
from privacy.retention.rules import (
    cancel,
    change_days,
    start,
    start_all,
    switch_off,
    switch_on,
    trial_of,
)
from privacy.retention.words import days_of, months_of, period
from tests.factories import make_activity_type
from tests.privacy.old import ago, make_old, rule_for, tried

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return User.objects.create(username="dpo", is_staff=True)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (1, "1 day"),
        (45, "45 days"),
        (30, "30 days"),
        (395, "13 months"),
        (365, "1 year"),
        (730, "2 years"),
        (31, "31 days"),
        (36_500, "100 years"),
    ],
)
def test_a_time_is_said_in_months_and_years_where_it_is_some(days, said):
    assert period(days) == said


def test_months_become_days_and_back():
    assert [months_of(days_of(months)) for months in range(1, 1_201)] == list(range(1, 1_201))


def test_a_rule_says_what_it_does():
    loan = make_activity_type(name="Loan calculator")

    rules = [
        RetentionRule(activity_type=loan, days=395),
        RetentionRule(days=730),
        RetentionRule(kind="anonymous", days=90),
        RetentionRule(kind="inactive", days=1095),
    ]

    assert [str(rule) for rule in rules] == [
        "Activities of the type “Loan calculator” are deleted after 13 months",
        "Activities of all types without a rule of their own are deleted after 2 years",
        "Anonymous contacts are erased when nothing was seen of them for 90 days",
        "Known contacts are erased when they did nothing for 3 years",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 0},
        {"days": 36_501},
        {"kind": "everything"},
        {"enabled": True},
        {"enabled_at": timezone.now()},
    ],
)
def test_the_database_refuses_rules_that_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionRule.objects.create(**{"days": 30, **wrong})


def test_a_thing_has_one_rule():
    loan = make_activity_type()
    for again in ({"activity_type": loan}, {}, {"kind": "anonymous"}, {"kind": "inactive"}):
        RetentionRule.objects.create(days=30, **again)

        with pytest.raises(IntegrityError), transaction.atomic():
            RetentionRule.objects.create(days=60, **again)
        with pytest.raises(ValidationError, match="There is a rule for that already"):
            RetentionRule(days=60, **again).full_clean()


def test_only_a_rule_for_activities_has_a_type():
    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionRule.objects.create(kind="inactive", activity_type=make_activity_type(), days=9)


def test_a_rule_is_switched_on_after_a_dry_run_only(user):
    rule = rule_for(make_activity_type(), days=30)

    with pytest.raises(ValidationError, match="Start a dry run first"):
        switch_on(rule, user)
    tried(rule)
    switch_on(rule, user)

    rule.refresh_from_db()
    assert (rule.enabled, rule.enabled_by) == (True, user)
    assert rule.enabled_at is not None
    switch_off(rule)
    rule.refresh_from_db()
    assert (rule.enabled, rule.enabled_at, rule.enabled_by) == (False, None, None)


@pytest.mark.parametrize("kind", ["anonymous", "inactive"])
def test_two_users_switch_on_a_rule_that_erases_contacts(user, settings, kind):
    settings.ERASURE_NEEDS_TWO = True
    other = User.objects.create(username="other", is_staff=True)
    rule = rule_for(kind=kind, days=30)
    with pytest.raises(ValidationError, match="Start a dry run first"):
        switch_on(rule, user)
    tried(rule)

    assert switch_on(rule, user) is False
    with pytest.raises(ValidationError, match="another user has to approve"):
        switch_on(rule, user)
    with pytest.raises(ValidationError, match="Switch the rule on first"):
        start(rule, dry=False)
    assert switch_on(rule, other) is True

    rule.refresh_from_db()
    assert (rule.enabled, rule.asked_by, rule.enabled_by) == (True, user, other)
    assert switch_on(rule, user) is True


def test_a_rule_that_was_on_before_it_took_two_stays_on(user, settings):
    rule = rule_for(kind="inactive", days=30)
    tried(rule)
    switch_on(rule, user)
    settings.ERASURE_NEEDS_TWO = True

    assert switch_on(rule, User.objects.create(username="other")) is True

    rule.refresh_from_db()
    assert (rule.enabled, rule.enabled_by) == (True, user)


def test_the_database_refuses_who_approves_of_a_rule_of_their_own(user):
    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionRule.objects.create(
            kind="inactive",
            days=30,
            enabled=True,
            enabled_at=ago(0),
            enabled_by=user,
            asked_by=user,
        )


@pytest.mark.parametrize("what", ["left off", "changed"])
def test_nobody_asks_any_more_for_a_rule_that_was_changed_or_left_off(user, settings, what):
    settings.ERASURE_NEEDS_TWO = True
    rule = rule_for(kind="inactive", days=30)
    tried(rule)
    switch_on(rule, user)

    if what == "changed":
        change_days(rule, 31)
        tried(rule)
    else:
        switch_off(rule)

    other = User.objects.create(username="other", is_staff=True)
    assert switch_on(rule, other) is False
    rule.refresh_from_db()
    assert (rule.enabled, rule.asked_by) == (False, other)


@pytest.mark.parametrize(("needs_two", "kind"), [(True, "activities"), (False, "inactive")])
def test_one_user_switches_on_what_takes_no_second_one(user, settings, needs_two, kind):
    rule = rule_for(kind=kind, days=30)
    tried(rule)
    settings.ERASURE_NEEDS_TWO = True
    if not needs_two:
        # Asked for as long as it took two
        switch_on(rule, user)
    settings.ERASURE_NEEDS_TWO = needs_two

    assert switch_on(rule, user) is True

    rule.refresh_from_db()
    assert (rule.enabled_by, rule.asked_by) == (user, None)


@pytest.mark.parametrize("why", ["old", "cancelled", "of another time", "not dry"])
def test_a_dry_run_that_says_nothing_of_the_rule_as_it_is_does_not_count(user, why):
    rule = rule_for(make_activity_type(), days=30)
    run = tried(rule)
    if why == "old":
        week = timezone.now() - timedelta(days=7, seconds=1)
        RetentionRun.objects.filter(pk=run.pk).update(requested_at=week)
        RetentionRule.objects.filter(pk=rule.pk).update(changed_at=week)
    elif why == "cancelled":
        RetentionRun.objects.filter(pk=run.pk).update(status="cancelled")
    elif why == "not dry":
        RetentionRun.objects.filter(pk=run.pk).update(dry=False)
    else:
        change_days(rule, 31)
    rule.refresh_from_db()

    assert trial_of(rule) is None
    with pytest.raises(ValidationError, match="Start a dry run first"):
        switch_on(rule, user)


def test_more_than_half_takes_a_confirmation(user):
    loan = make_activity_type()
    make_old(loan, 3, days=40)
    make_old(loan, 2, days=1)
    rule = rule_for(loan, days=30)
    run = tried(rule, total=5)
    assert (run.found, run.is_most) == (3, True)

    with pytest.raises(ValidationError, match="deletes 3 of 5, more than half"):
        switch_on(rule, user)
    switch_on(rule, user, most=True)

    rule.refresh_from_db()
    assert rule.enabled


def test_a_rule_that_is_changed_is_off(user):
    rule = rule_for(make_activity_type(), days=30)
    tried(rule)
    switch_on(rule, user)

    assert change_days(rule, 60) is True

    rule.refresh_from_db()
    assert (rule.days, rule.enabled, rule.enabled_at) == (60, False, None)
    with pytest.raises(ValidationError):
        change_days(rule, 0)
    rule.refresh_from_db()
    assert rule.days == 60


def test_nothing_is_deleted_by_a_rule_that_is_off():
    rule = rule_for(make_activity_type(), days=30)

    with pytest.raises(ValidationError, match="Switch the rule on first"):
        start(rule, dry=False)
    start_all()

    assert not RetentionRun.objects.exists()


def test_the_daily_work_starts_each_rule_that_is_on_once(user):
    rules = [rule_for(make_activity_type(f"t{number}"), days=30) for number in range(2)]
    tried(rules[0])
    switch_on(rules[0], user)

    start_all()
    start_all()

    (run,) = RetentionRun.objects.filter(dry=False)
    assert (run.rule, run.by, run.status) == (rules[0], None, "waiting")
    assert timedelta(days=30) <= timezone.now() - run.before < timedelta(days=30, minutes=1)


def test_one_run_of_a_rule_goes_on():
    rule = rule_for(make_activity_type(), days=30)

    assert start(rule, dry=True) is not None
    assert start(rule, dry=True) is None
    assert RetentionRun.objects.count() == 1


def test_a_cancelled_run_does_nothing_further():
    loan = make_activity_type()
    make_old(loan, 1, days=40)
    run = start(rule_for(loan, days=30), dry=True)

    assert cancel(run) is True
    work_off(RETENTION)

    run.refresh_from_db()
    assert (run.status, run.found, cancel(run)) == ("cancelled", 0, False)
    assert run.finished_at is not None


@pytest.mark.parametrize("what", ["gone", "off", "changed"])
def test_a_run_whose_rule_is_no_more_as_it_was_stops(user, what):
    loan = make_activity_type()
    (activity,) = make_old(loan, 1, days=40)
    rule = rule_for(loan, days=30)
    tried(rule, total=9)
    switch_on(rule, user)
    run = start(rule, dry=False)
    if what == "gone":
        rule.delete()
    elif what == "off":
        switch_off(rule)
    else:
        change_days(rule, 31)

    work_off(RETENTION)

    run.refresh_from_db()
    said = {"gone": "The rule is gone.", "off": "The rule was switched off."}
    assert run.status == "stopped"
    assert run.reason in (said.get(what), "The rule was switched off.")
    assert loan.activities.filter(pk=activity.pk).exists()


def test_a_type_that_goes_takes_its_rule_along_and_leaves_the_log():
    loan = make_activity_type(name="Loan")
    run = tried(rule_for(loan, days=30))

    loan.delete()

    run.refresh_from_db()
    assert (run.rule, RetentionRule.objects.count()) == (None, 0)
    assert run.says == "Activities of the type “Loan” are deleted after 30 days"


def test_the_daily_work_is_declared():
    make_chores()

    names = set(Chore.objects.values_list("name", flat=True))
    assert {"delete what is too old", "look at activity types"} <= names
