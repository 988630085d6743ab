"""What automations name and cannot find is said."""

import pytest

from automations.models import Automation
from automations.problems import problems_of
from tests.automations.entries import make_automation, on_activity
from tests.automations.mails import make_template
from tests.factories import make_activity_type, make_consent, make_group
from tests.groups.people import make_group as make_dynamic_group

pytestmark = pytest.mark.django_db


def among(name):
    return {"match": "all", "conditions": [{"type": "group", "groups": [name]}]}


def test_an_automation_that_finds_all_that_it_names_has_none():
    make_template(code_name="welcome")
    make_group("newsletter")
    automation = make_automation(
        on_activity(rule=among("newsletter")),
        steps=[{"type": "email", "template": "Welcome"}, {"type": "group", "add": "newsletter"}],
    )

    assert problems_of(automation) == []


def test_a_type_that_is_switched_off_or_was_never_seen_is_said():
    make_activity_type("custom_old", name="Old", enabled=False)

    assert problems_of(make_automation(on_activity("custom_old", "custom_new"))) == [
        "The activity type “Old” is switched off: nothing new is recorded.",
        "No activity of type “custom_new” was ever seen. One may still come; check how "
        "applications spell it.",
    ]


def test_groups_consents_and_templates_that_are_gone_are_said_once_each():
    then = [{"type": "group", "remove": "gone"}, {"type": "email", "template": "gone"}]
    automation = make_automation(
        {"type": "consent", "consent": "gone"},
        steps=[{"type": "if", "rule": among("gone"), "then": then, "else": []}],
    )

    assert problems_of(automation) == [
        f"There is no {what} “gone”. Choose another."
        for what in ("consent", "contact group", "template")
    ]


def test_groups_that_are_switched_off_or_that_no_step_can_change_are_said():
    make_group("off", enabled=False)
    make_dynamic_group("visitors")
    automation = make_automation(
        {"type": "group", "group": "off"}, steps=[{"type": "group", "add": "Visitors"}]
    )

    assert problems_of(automation) == [
        "The contact group “Off” is switched off: it has no members.",
        "“Visitors” is a dynamic group: its rule decides who is in it, and no step does.",
    ]


def test_a_trigger_that_cannot_be_read_any_more_is_said():
    automation = make_automation()
    Automation.objects.update(trigger={"type": "gone"})
    automation.refresh_from_db()

    (problem,) = problems_of(automation)

    assert problem.startswith("trigger.type: ")


def test_problems_cost_a_query_for_each_kind_of_object(django_assert_num_queries):
    make_consent("Newsletter")
    steps = [{"type": "email", "template": f"t{n}"} for n in range(20)]
    steps += [{"type": "group", "add": f"g{n}"} for n in range(20)]
    automation = make_automation({"type": "consent", "consent": "Newsletter"}, steps=steps)

    with django_assert_num_queries(3):
        assert len(problems_of(automation)) == 40
