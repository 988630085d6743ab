"""A marketer draws automations in a real browser: by clicking, by keyboard, on a phone."""

import json

import pytest

from automations.models import Automation, Template
from destinations.models import Destination
from tests.automations.drawing import EMAIL, EVERYBODY, IF, SPLIT, WAIT, make_automation
from tests.browser.keyboard import focused, tab_to, wait_for_focus
from tests.browser.pages import MAIN
from tests.browser.waiting import wait_for
from tests.factories import make_activity_type, make_group

pytestmark = pytest.mark.django_db(transaction=True)

ADD_URL = f"https://{MAIN}/admin/automations/automation/add/"


@pytest.fixture
def page(admin_page):
    """A page in the browser of a superuser, with a template and an event to choose."""
    make_activity_type("file download request", name="File download request", door="activecampaign")
    Template.objects.create(name="Brochure", code_name="brochure", subject="Your file")
    return admin_page


def steps_in(page):
    return json.loads(page.locator("[name=steps]").input_value())


def without_keys(steps):
    return [{name: value for name, value in step.items() if name != "key"} for step in steps]


def add_step(page, title, button="Add step"):
    page.get_by_role("button", name=button).last.click()
    page.get_by_role("group", name="Choose a kind of step").get_by_role(
        "button", name=title
    ).click()


def test_when_x_send_y_is_drawn_by_clicking(page):
    page.goto(ADD_URL)
    page.fill("[name=name]", "Send the brochure")
    page.get_by_label("When does a contact enter?").select_option(
        label="Event is recorded (an activity)"
    )
    page.get_by_label("Activity:").fill("File download request")
    page.get_by_label("Activity:").press("Enter")
    add_step(page, "Send email")
    page.get_by_label("Template", exact=True).select_option(label="Brochure")

    page.get_by_role("button", name="Save", exact=True).click()

    page.wait_for_url("**/change/**")
    automation = Automation.objects.get()
    assert automation.code_name == "send-the-brochure"
    assert automation.trigger == {"type": "activity", "activities": ["file download request"]}
    assert without_keys(automation.steps) == [{"type": "email", "template": "brochure"}]
    assert not automation.enabled
    page.get_by_role("link", name="Switch on").click()
    page.get_by_text("0 would have entered, 0 emails").wait_for()
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("The automation is on.").wait_for()
    automation.refresh_from_db()
    assert automation.enabled


def saved(page, *steps):
    """The page of an automation with these steps."""
    automation = make_automation(steps=steps)
    page.goto(f"https://{MAIN}/admin/automations/automation/{automation.pk}/change/")
    page.wait_for_selector(".ae-svg")
    return automation


def keys(page):
    return [step["key"] for step in steps_in(page)]


def wait_for_steps(page, condition):
    """Wait until `condition`, JavaScript about the `steps` in the hidden field, holds."""
    written = "JSON.parse(document.querySelector('input[name=steps]').value)"
    wait_for(page, f"((steps) => {condition})({written})")


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state()


def test_all_kinds_of_steps_are_drawn_by_clicking(page):
    make_group("vip")
    page.goto(ADD_URL)
    page.fill("[name=name]", "Everything")
    page.get_by_label("When does a contact enter?").select_option(label="Date comes, every year")
    page.get_by_label("Days before").fill("3")

    add_step(page, "Wait")
    page.get_by_label("What the step waits for").select_option(label="until a time of day")
    page.get_by_label("Time of day", exact=True).last.fill("10:30")
    page.get_by_label("Mon").check()
    page.get_by_label("Fri").check()
    page.get_by_label("In which time zone").last.select_option(label="in another time zone …")
    page.get_by_label("Name of the time zone").fill("Europe/Vienna")

    add_step(page, "Set field")
    page.get_by_label("Field", exact=True).select_option(label="Notes")
    page.get_by_label("Value", exact=True).last.fill("Hello {{ contact.first_name }}")

    add_step(page, "Add to group, or remove")
    page.get_by_label("Add or remove").select_option(label="Remove from")
    page.get_by_label("Static group").select_option(label="Vip")
    page.get_by_role("group", name="Step 3").get_by_role("button", name="If it comes late").click()
    page.get_by_label("Late by more than: how many").fill("5")
    page.get_by_label("What becomes of a late step").select_option(
        label="wait until a user decides"
    )

    add_step(page, "If")
    card = page.get_by_role("group", name="Step 4 of 4, If", exact=True)
    card.get_by_role("button", name="Add condition").click()
    card.get_by_label("What the condition looks at").select_option(
        label="Did something (an activity)"
    )
    card.get_by_label("Activity:").fill("File download request")
    card.get_by_label("Activity:").press("Enter")
    card.get_by_role("button", name="Since the contact entered").click()
    card.get_by_role("button", name="Add step 1, Then").click()
    page.get_by_role("group", name="Choose a kind").get_by_role("button", name="Stop").click()

    add_step(page, "Split at random")
    shares = page.get_by_label("Branch 1", exact=True)
    shares.fill("70")
    page.get_by_text("The shares must add up to 100; these are 120.").wait_for()
    page.get_by_role("button", name="Share evenly").click()
    save(page)

    page.wait_for_url("**/change/**")
    automation = Automation.objects.get()
    assert automation.trigger == {
        "type": "date",
        "field": "birthday",
        "days_before": 3,
        "at": "09:00",
    }
    wait, field, group, branch, split = without_keys(automation.steps)
    assert wait == {
        "type": "wait",
        "until": "10:30",
        "weekdays": ["mon", "fri"],
        "zone": "Europe/Vienna",
    }
    assert field == {
        "type": "set_field",
        "field": "notes",
        "value": "Hello {{ contact.first_name }}",
    }
    assert group == {
        "type": "group",
        "remove": "vip",
        "late": {"after": "5 hours", "then": "ask"},
    }
    assert branch["rule"]["conditions"] == [
        {"type": "activity", "activities": ["file download request"], "since": "entry"}
    ]
    assert without_keys(branch["then"]) == [{"type": "stop"}]
    assert (split["shares"], split["branches"]) == ([50, 50], [[], []])


def test_a_saved_automation_is_drawn_as_it_was(page):
    everything = [
        {"key": "a", "type": "wait", "rule": EVERYBODY, "at_most": "1 hour"},
        {"key": "b", "type": "log_activity", "activity": "custom_cta", "value": "%EVENT: x%"},
        {**IF, "else": [{**SPLIT}]},
        {"key": "c", "type": "wait", "until": "09:00", "zone": "contact"},
        {"key": "d", "type": "group", "add": "vip", "late": {"after": "1 day", "then": "skip"}},
        {"key": "e", "type": "destination", "destination": "crm"},
    ]
    Destination.objects.create(name="CRM", code_name="crm")
    automation = saved(page, *everything)

    page.get_by_role("button", name="Open all").click()
    save(page)

    automation.refresh_from_db()
    assert automation.version == 1
    assert steps_in(page) == everything


def test_steps_are_moved_copied_removed_undone_and_done_again(page):
    saved(page, WAIT, IF, EMAIL)

    page.get_by_role("button", name="Move up: Step 3 of 3").click()
    wait_for_steps(page, "steps[1].key === 'email'")
    page.get_by_role("button", name="Into the branch of the step beside it: Step 2 of 3").click()
    wait_for_steps(page, "steps.length === 2 && steps[1].then[0].key === 'email'")
    page.get_by_role("button", name="Copy: Step 1 of 2, Wait").click()
    wait_for_steps(page, "steps.length === 3 && steps[1].for === '2 days'")
    assert len(set(keys(page))) == 3
    page.get_by_role("button", name="Remove: Step 3 of 3, If").click()
    wait_for_steps(page, "steps.length === 2")

    undo = page.get_by_role("button", name="Undo")
    for _ in range(4):
        undo.click()
    wait_for_steps(page, "steps.map((one) => one.key).join() === 'wait,if,email'")
    assert undo.get_attribute("aria-disabled") == "true"
    for _ in range(4):
        page.get_by_role("button", name="Redo").click()
    wait_for_steps(page, "steps.length === 2 && steps.every((one) => one.type === 'wait')")


def test_a_card_is_dragged_into_a_branch(page):
    page.set_viewport_size({"width": 1280, "height": 1600})
    saved(page, EMAIL, IF)

    handle = page.get_by_role("group", name="Step 1 of 2, Send email").locator(".cg-handle").first
    handle.drag_to(page.get_by_role("region", name="Else").locator(".ae-end"))

    wait_for_steps(page, "steps.length === 1 && steps[0].else[0].key === 'email'")


def test_what_is_wrong_stands_beside_its_card(page):
    page.goto(ADD_URL)
    page.fill("[name=name]", "Wrong")
    add_step(page, "Wait")
    page.get_by_label("How long: how many").fill("soon")
    add_step(page, "If")
    page.get_by_role("button", name="Add step 1, Then").click()
    page.get_by_role("group", name="Choose a kind").get_by_role("button", name="Send email").click()

    save(page)
    first = page.get_by_role("group", name="Step 1 of 2, Wait")
    assert "Must be a whole number" in first.get_by_role("alert").first.text_content()
    page.get_by_label("How long: how many").fill("3")
    save(page)

    inner = page.get_by_role("group", name="Step 1 of 1, Send email")
    assert inner.get_by_role("alert").first.text_content().startswith("Template: ")
    inner.get_by_label("Template", exact=True).select_option(label="Brochure")
    save(page)
    page.wait_for_url("**/change/**")


def test_a_wrong_condition_stands_beside_its_card_inside_of_a_step(page):
    page.goto(ADD_URL)
    page.fill("[name=name]", "Wrong")
    add_step(page, "If")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("What the condition looks at").select_option(label="Was inactive")
    page.get_by_label("Days back").fill("0")

    save(page)

    condition = page.get_by_role("group", name="Condition 1 of 1")
    condition.get_by_role("alert").filter(has_text="Days: ").wait_for()


def test_an_automation_is_drawn_by_keyboard_alone(page):
    page.goto(ADD_URL)
    page.wait_for_selector(".ae-svg")
    keyboard = page.keyboard

    def add(kind):
        tab_to(page, "Add step")
        keyboard.press("Enter")
        wait_for_focus(page, "Send email")
        tab_to(page, kind)
        keyboard.press("Enter")

    page.locator("[name=name]").focus()
    keyboard.type("By keyboard")
    tab_to(page, "When does a contact enter?")
    keyboard.type("Event")
    tab_to(page, "Activity:")
    keyboard.type("File download request")
    keyboard.press("Enter")
    add("Wait")
    wait_for_focus(page, "What the step waits for")
    tab_to(page, "How long: how many")
    keyboard.press("Control+A")
    keyboard.type("3")
    tab_to(page, "Add step 2")
    keyboard.press("Escape")
    add("If")
    wait_for_focus(page, "Whether all or any")
    tab_to(page, "Add step 1, Then")
    keyboard.press("Enter")
    wait_for_focus(page, "Send email")
    keyboard.press("Enter")
    wait_for_focus(page, "Template")
    keyboard.type("Broch")
    wait_for_steps(page, "steps[1].then[0].template === 'brochure'")
    tab_to(page, "Out of the branch", "Shift+Tab")
    keyboard.press("Enter")
    wait_for_focus(page, "Into the branch of the step beside it: Step 3 of 3")
    tab_to(page, "Move up: Step 3 of 3", "Shift+Tab")
    keyboard.press("Enter")
    wait_for_focus(page, "Move up: Step 2 of 3")
    wait_for_steps(page, "steps.map((one) => one.type).join() === 'wait,email,if'")
    keyboard.press("Control+Z")
    wait_for_steps(page, "steps.map((one) => one.type).join() === 'wait,if,email'")
    wait_for_focus(page, "Move up: Step 3 of 3")
    keyboard.press("Control+Y")
    wait_for_steps(page, "steps.map((one) => one.type).join() === 'wait,email,if'")
    tab_to(page, "Remove: Step 2 of 3")
    tab_to(page, "Remove: Step 3 of 3")
    keyboard.press("Enter")
    wait_for_focus(page, "Remove: Step 2 of 2")
    tab_to(page, "Save")
    while focused(page) != "Save":
        keyboard.press("Tab")
    keyboard.press("Enter")
    page.wait_for_url("**/change/**")

    assert without_keys(Automation.objects.get().steps) == [
        {"type": "wait", "for": "3 days"},
        {"type": "email", "template": "brochure"},
    ]


def test_a_letter_that_comes_before_the_focus_does_not_leave_the_page(page):
    page.goto(ADD_URL)
    page.wait_for_selector(".ae-svg")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("window.clicked = 0")
    page.evaluate(
        "document.querySelector('.addlink').addEventListener('click', "
        "(event) => { event.preventDefault(); clicked += 1; })"
    )

    page.keyboard.type("c")

    assert page.evaluate("clicked") == 0


@pytest.mark.parametrize("is_dark", [False, True])
def test_a_phone_shows_the_editor_in_its_width(page, is_dark):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark" if is_dark else "light")
    saved(page, WAIT, {**IF, "then": [{**SPLIT}]}, {**EMAIL, "key": "last"})

    page.get_by_role("button", name="Open all").click()
    page.get_by_label("How long: how many").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    widths = page.evaluate(
        "[...document.querySelectorAll('.ae-editor :is(button, input, select):not([type=hidden])')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().right)"
    )
    assert max(widths) <= 390
    box = page.locator(".ae-map")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")


def test_leaving_with_unsaved_steps_asks_first(page):
    saved(page, WAIT)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("button", name="Copy: Step 1 of 1").click()
    wait_for_steps(page, "steps.length === 2")

    page.goto(f"https://{MAIN}/admin/automations/automation/")

    assert asked == ["beforeunload"]


def test_a_broadcast_asks_for_a_group_or_for_a_rule(page):
    make_automation()
    page.goto(f"https://{MAIN}/admin/automations/broadcast/add/")
    group, builder = page.get_by_label("Group", exact=True), page.locator(".cg-builder")

    group.wait_for()
    assert builder.is_hidden()
    page.get_by_label("Contacts for whom a rule holds").check()

    builder.wait_for()
    assert group.is_hidden()
    assert page.get_by_label("Automation").input_value() == ""
    assert page.locator("[name=starts_at_0]").input_value()
