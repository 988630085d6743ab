"""The map of an automation: no box stands on another."""

from itertools import combinations

import pytest

from automations.admin.mapping import draw, in_words
from automations.steps import read_steps
from automations.triggers import read_trigger
from tests.automations.mails import make_template
from tests.factories import make_consent, make_group

STOP = {"type": "stop"}
WAIT = {"type": "wait", "for": "1 day"}
EVERYBODY = {"match": "all", "conditions": []}


def fork(then=(), otherwise=()):
    return {"type": "if", "rule": EVERYBODY, "then": list(then), "else": list(otherwise)}


@pytest.mark.parametrize(
    "steps",
    [
        [fork([STOP]), WAIT],
        [fork([WAIT, WAIT, STOP]), WAIT],
        [fork([STOP], [STOP]), WAIT],
        [fork([fork([WAIT, STOP], [WAIT])], [WAIT]), fork([], [WAIT, STOP]), WAIT],
        [{"type": "split", "shares": [50, 50], "branches": [[WAIT, STOP], []]}, WAIT],
    ],
    ids=["stop", "long way to stop", "both stop", "nested", "control group"],
)
def test_no_box_stands_on_another(steps):
    found = draw(read_trigger({"type": "manual"}), read_steps(steps), {})

    for one, other in combinations(found.boxes, 2):
        apart_in_x = abs(one.x - other.x) >= found.box_width
        apart_in_y = abs(one.y - other.y) >= found.box_height
        assert apart_in_x or apart_in_y, (one.text, other.text)


@pytest.mark.django_db
def test_boxes_have_names_and_rules_in_the_place_of_code_names(django_assert_num_queries):
    make_template(code_name="welcome", name="Welcome mail")
    make_group("vip", name="Very important")
    make_consent("NewsConsent", name="News")
    in_group = {"match": "all", "conditions": [{"type": "group", "groups": ["vip"]}]}
    steps = read_steps(
        [
            {"type": "email", "template": "WELCOME"},
            {"type": "group", "add": "vip"},
            {"type": "wait", "rule": in_group, "at_most": "1 day"},
            {"type": "if", "rule": in_group, "then": [], "else": []},
            {"type": "email", "template": "gone"},
        ]
    )
    trigger = {"type": "consent", "consent": "NewsConsent"}

    with django_assert_num_queries(3):
        found = draw(trigger, steps, {})

    said = [
        "A contact agrees to “News”",
        "Send “Welcome mail”",
        "Add to “Very important”",
        "Wait until the contact is in “Very important”, at most 1 day",
        "If the contact is in “Very important”",
        "Send “gone”",
    ]
    assert [box.title for box in found.boxes] == said
    assert [line.text for line in in_words(steps, {})] == said[1:]
    assert found.boxes[4].text == "If: is in “Very important”"
