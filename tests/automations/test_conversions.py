"""What came of the branches of a split."""

from datetime import timedelta

import pytest
from django.utils import timezone

from automations.conversions import Branch, conversions
from automations.models import Passage
from tests.automations.running import change_steps, enter, make_automation
from tests.factories import make_activity, make_activity_type, make_contact

SPLIT = {"key": "split", "type": "split", "shares": [50, 50], "branches": [[], []]}


def went(automation, branch, contact, at):
    run = enter(automation, contact)
    Passage.objects.create(run=run, automation=automation, step="split", branch=branch, at=at)
    return run


@pytest.mark.django_db
def test_a_goal_after_the_split_counts_for_the_branch_that_the_run_went(
    django_assert_num_queries,
):
    goal, other = make_activity_type("purchase", goal=True), make_activity_type("view")
    at = timezone.now() - timedelta(days=60)
    automation = make_automation(SPLIT)
    done = [(0, goal, 1), (0, goal, -1), (0, other, 1), (1, goal, 29), (1, goal, 31)]
    for branch, type_, days in done:
        contact = make_contact()
        went(automation, branch, contact, at)
        make_activity(contact, type=type_, occurred_at=at + timedelta(days=days))
    went(automation, 1, make_contact(), at)
    # Counts survive edits.
    change_steps(automation, SPLIT, {"type": "stop"})
    went(automation, 1, contact := make_contact(), at)
    for _ in range(3):
        make_activity(contact, type=goal, occurred_at=at + timedelta(hours=1))
    with django_assert_num_queries(1):
        found = conversions(automation, "split")
    assert found == [Branch(0, 3, 1), Branch(1, 4, 2)]


@pytest.mark.django_db
def test_of_a_split_that_nobody_has_passed_nothing_came():
    assert conversions(make_automation(SPLIT), "split") == []
