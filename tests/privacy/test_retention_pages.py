import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from activities.models import ActivityType, ActivityTypeUse
from adminsite.formatting import change_url, changelist_url
from adminsite.models import AuditEntry
from adminsite.roles import give_roles
from jobs.working import work_off
from privacy.jobs import RETENTION
from privacy.models import RetentionRule, RetentionRun
from privacy.retention import running
from privacy.retention.rules import start
from tests.factories import make_activity_type, make_contact
from tests.privacy.old import ago, make_old, rule_for, tried

pytestmark = pytest.mark.django_db

RULES = "admin:privacy_retentionrule_"


@pytest.fixture
def dpo(client):
    user = User.objects.create(username="dpo", is_staff=True)
    give_roles(user, ["dpo"])
    client.force_login(user)
    return client


def act(client, rule, action, **data):
    return client.post(reverse(f"{RULES}act", args=[rule.pk, action]), data, follow=True)


def form(**data):
    return {"kind": "activities", "activity_type": "", "amount": "13", "unit": "months", **data}


def test_a_hub_without_rules_proposes_the_usual_ones(dpo):
    html = dpo.get(changelist_url(RetentionRule)).text

    assert "Everything is kept for ever" in html
    assert "Activities of the type “Page visit” are deleted after 13 months." in html
    assert html.count("Add this rule") == 4

    # What the buttons send, in their order
    numbers = re.findall(r'<button[^>]* name="rule" value="(\d+)"', html)
    assert len(numbers) == 4
    page = dpo.post(reverse(f"{RULES}propose"), {"rule": numbers[0]}, follow=True)
    again = dpo.post(reverse(f"{RULES}propose"), {"rule": numbers[0]}, follow=True)

    rule = RetentionRule.objects.get()
    assert (rule.activity_type.code_name, rule.days, rule.enabled) == ("pagevisit", 395, False)
    assert "Now see what it would delete." in page.text
    assert "There is such a rule by now." in again.text
    assert dpo.get(changelist_url(RetentionRule)).text.count("Add this rule") == 3


def test_the_page_says_what_else_is_kept_and_for_how_long(dpo, settings):
    settings.AUDIT_KEPT_DAYS = 730

    html = dpo.get(changelist_url(RetentionRule)).text

    assert "What users of the admin changed, and from which address" in html
    assert "2 years" in html
    assert "AUDIT_KEPT_DAYS" in html


def test_a_rule_goes_from_its_dry_run_to_what_it_deleted(dpo):
    loan = make_activity_type(name="Loan")
    old = make_old(loan, 2, days=400, title="Old loan")
    make_old(loan, 3, days=1)
    ActivityTypeUse.objects.create(type=loan, count=5)
    dpo.post(reverse(f"{RULES}add"), form(activity_type=loan.pk))
    rule = RetentionRule.objects.get()
    assert rule.days == 395
    assert "It deletes nothing." in dpo.get(change_url(rule)).text

    assert "A worker counts what this rule would delete." in act(dpo, rule, "dry-run").text
    head = reverse(f"{RULES}head", args=[rule.pk])
    assert 'hx-trigger="every 2s"' in dpo.get(head).text
    work_off(RETENTION)
    html = dpo.get(head).text
    assert 'hx-trigger="every 2s"' not in html
    assert "2 of 5" in html
    assert html.count("Old loan") == 2
    assert "Switch on" in html

    assert "The rule is on." in act(dpo, rule, "on").text
    rule.refresh_from_db()
    assert rule.enabled
    assert "A worker deletes what is too old." in act(dpo, rule, "now").text
    run = RetentionRun.objects.get(dry=False)
    assert run.by.username == "dpo"
    html = dpo.get(change_url(run)).text
    assert "What was found was deleted." in html
    assert "The rule is off" in act(dpo, rule, "off").text
    deeds = AuditEntry.objects.filter(detail__startswith="Said of a retention rule")
    assert {one.detail for one in deeds} == {
        f"Said of a retention rule: {said}." for said in ("dry-run", "on", "now", "off")
    }
    assert len(old) == 2


def test_what_was_not_tried_cannot_be_switched_on(dpo):
    rule = rule_for(make_activity_type(), days=30)

    assert "Start a dry run first" in act(dpo, rule, "on").text
    assert "Switch the rule on first." in act(dpo, rule, "now").text

    rule.refresh_from_db()
    assert not rule.enabled


def test_a_rule_for_most_of_all_takes_a_tick(dpo):
    loan = make_activity_type()
    make_old(loan, 2, days=40)
    rule = rule_for(loan, days=30)
    tried(rule, total=3)

    assert "deletes 2 of 3: more than half" in dpo.get(change_url(rule)).text
    assert "Tick the box that says so." in act(dpo, rule, "on").text
    assert "The rule is on." in act(dpo, rule, "on", most="1").text


def test_another_user_approves_of_a_rule_that_erases_contacts(dpo, settings, client):
    settings.ERASURE_NEEDS_TWO = True
    rule = rule_for(kind="inactive", days=30)
    tried(rule)
    assert "Switch on" in dpo.get(change_url(rule)).text

    asked = act(dpo, rule, "on").text
    assert "The rule is off until another user approves." in asked
    assert "dpo asks to switch it on, and another user has to approve." in asked
    assert "Leave it off" in asked
    assert not re.search("Switch on|Approve and switch on", asked)
    assert "Waits for a second user" in dpo.get(changelist_url(RetentionRule)).text
    assert "You have asked to switch it on" in act(dpo, rule, "on").text

    other = User.objects.create(username="other", is_staff=True)
    give_roles(other, ["dpo"])
    client.force_login(other)
    assert "Approve and switch on" in client.get(change_url(rule)).text
    approved = act(client, rule, "on").text
    assert "The rule is on." in approved
    assert "by other, as dpo had asked." in approved
    assert "Leave it off" not in approved


def test_a_run_is_cancelled_on_the_page_of_its_rule(dpo):
    rule = rule_for(make_activity_type(), days=30)
    start(rule, dry=True)

    assert "A run goes on already." in act(dpo, rule, "dry-run").text
    assert "Cancelled." in act(dpo, rule, "cancel").text
    assert "It was over already." in act(dpo, rule, "cancel").text

    assert RetentionRun.objects.get().status == "cancelled"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "0"}, "greater than or equal to 1"),
        ({"amount": "-3"}, "greater than or equal to 1"),
        ({"amount": "x"}, "Enter a whole number"),
        ({"amount": ""}, "This field is required"),
        ({"amount": "9999"}, "Choose 36,500 days"),
        ({"amount": "9" * 400}, "36500"),
        ({"unit": "eons"}, "Select a valid choice"),
        ({"kind": "everything"}, "Select a valid choice"),
        ({"activity_type": "999999"}, "Select a valid choice"),
        ({"kind": "inactive", "activity_type": "1"}, "Only a rule for activities has a type."),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(dpo, wrong, said):
    if wrong.get("activity_type") == "1":
        wrong["activity_type"] = ActivityType.objects.first().pk

    page = dpo.post(reverse(f"{RULES}add"), form(**wrong))

    assert page.status_code == 200
    assert said in page.text
    assert not RetentionRule.objects.exists()


def test_a_second_rule_for_the_same_is_refused_with_the_reason(dpo):
    rule_for(days=30)

    page = dpo.post(reverse(f"{RULES}add"), form())

    assert "There is a rule for that already: change that one." in page.text
    assert RetentionRule.objects.get().days == 30


def test_changing_the_time_of_a_rule_switches_it_off(dpo):
    rule = rule_for(days=30, enabled=True, enabled_at=timezone.now())

    same = dpo.post(change_url(rule), {"amount": "1", "unit": "months"}, follow=True)
    rule.refresh_from_db()
    assert rule.enabled
    assert "The rule is off now" not in same.text
    page = dpo.post(change_url(rule), {"amount": "45", "unit": "days"}, follow=True)

    rule.refresh_from_db()
    assert (rule.days, rule.enabled) == (45, False)
    assert "The rule is off now" in page.text


@pytest.mark.parametrize(
    ("days", "amount", "unit"), [(30, 30, "days"), (45, 45, "days"), (395, 13, "months")]
)
def test_the_form_says_the_time_as_the_rule_does(dpo, days, amount, unit):
    fields = dpo.get(change_url(rule_for(days=days))).context["adminform"].form.fields

    assert (fields["amount"].initial, fields["unit"].initial) == (amount, unit)


def test_a_rule_or_an_action_that_is_not_there_is_not_found(dpo):
    rule = rule_for(days=30)

    assert act(dpo, rule, "explode").status_code == 404
    assert dpo.post(reverse(f"{RULES}act", args=[rule.pk + 1, "on"])).status_code == 404
    assert dpo.get(reverse(f"{RULES}head", args=[rule.pk + 1])).status_code == 404


def test_examples_are_for_users_who_may_see_contacts(dpo, log_in):
    make_contact(created_at=ago(99), first_name="Rosalind")
    run = tried(rule_for(kind="inactive", days=30))
    assert "Rosalind" in dpo.get(change_url(run)).text

    client = log_in("view_retentionrule", "view_retentionrun")

    assert "Rosalind" not in client.get(change_url(run)).text
    assert "Rosalind" not in client.get(change_url(run.rule)).text


def test_a_run_without_its_rule_says_so(dpo):
    run = tried(rule_for(days=30))
    run.rule.delete()

    assert "The rule is gone." in dpo.get(change_url(run)).text


def test_how_far_a_run_is_is_told_by_the_dry_run_before_it(dpo):
    loan = make_activity_type()
    make_old(loan, 4, days=40)
    rule = rule_for(loan, days=30)
    tried(rule)
    RetentionRule.objects.filter(pk=rule.pk).update(enabled=True, enabled_at=timezone.now())
    run = start(rule, dry=False)

    begun = RetentionRun.objects.get(pk=run.pk)
    running._begin(begun)
    begun.deleted = 1
    begun.save()

    assert begun.end == 4
    assert 'value="25" max="100"' in dpo.get(change_url(rule)).text


def test_how_far_a_run_is_among_contacts(dpo):
    rule = rule_for(kind="anonymous", days=30)
    run = start(rule, dry=True)
    RetentionRun.objects.filter(pk=run.pk).update(end=200, position={"id": 50})

    assert 'value="25" max="100"' in dpo.get(change_url(rule)).text
    assert timezone.now() - run.before >= timedelta(days=30)
