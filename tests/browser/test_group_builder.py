"""A marketer builds rules of contact groups in a real browser, by clicking and by keyboard."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import ActivityType
from consents.agreements import record_agreement
from consents.models import Consent
from groups.models import ContactGroup
from tests.automations.mails import add_event, make_email, make_template
from tests.browser.keyboard import focused, tab_to, wait_for_focus
from tests.browser.pages import MAIN
from tests.browser.waiting import wait_for, wait_until_drawn
from tests.factories import make_activity, make_activity_type, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

ADD_URL = f"https://{MAIN}/admin/groups/contactgroup/add/"
LOANS = {
    "type": "activity",
    "activities": ["pagevisit"],
    "days": 30,
    "url": {"operator": "contains", "value": "/loans"},
}
CALCULATOR = {
    "type": "activity",
    "activities": ["custom_loan_calculator"],
    "at_least": 2,
    "value": {"operator": ">=", "value": 5000},
}
CONSENT = {"type": "consent", "consent": "TrackingConsent"}
PREVIEW = "**/admin/groups/contactgroup/preview/"
# From here on, what waits for long never comes, and previews are counted.
WITHOUT_PAUSES = """
    () => {
        const { fetch, setTimeout } = window;
        window.setTimeout = (work, ms, ...given) => (ms > 100 ? 0 : setTimeout(work, ms, ...given));
        window.asked = 0;
        window.fetch = (url, ...given) => {
            if (url.includes("/preview/")) window.asked += 1;
            return fetch(url, ...given);
        };
    }
"""
NOT_USA = {"type": "country", "negate": True, "values": ["USA"]}


@pytest.fixture
def page(admin_page):
    """The form for a new group, in the browser of a superuser."""
    make_activity_type()
    return admin_page


def make_people():
    """Four contacts: each but the first lacks one thing of the rule."""
    calculator = ActivityType.objects.get(code_name="custom_loan_calculator")
    consent = Consent.objects.get()
    for name, visits, value, agreed, country in (
        ("Anna", "/loans/", "7000", True, "AUT"),
        ("Bert", "/cards/", "7000", True, "AUT"),
        ("Cora", "/loans/", "70", True, "AUT"),
        ("Dora", "/loans/", "7000", False, "AUT"),
        ("Emil", "/loans/", "7000", True, "USA"),
    ):
        contact = make_contact(first_name=name, country=country)
        make_activity(
            contact,
            url=f"https://www.example.com{visits}",
            occurred_at=timezone.now() - timedelta(days=20),
        )
        for _ in range(2):
            make_activity(contact, type=calculator, value=value)
        record_agreement(contact, consent, agreed=agreed, language="en")


def rule_in(page):
    return json.loads(page.locator("[name=rule]").input_value())


def shows_count(page, count):
    wait_for(page, "document.querySelector('[data-count]').textContent === arg", count)


def test_a_rule_of_four_conditions_is_built_by_clicking(page):
    make_people()
    page.goto(ADD_URL)
    page.fill("[name=name]", "Loan interest")
    shows_count(page, "5")

    def add(title):
        page.get_by_role("button", name="Add condition").click()
        card = page.get_by_role("group", name="Condition").last
        card.get_by_label("What the condition looks at").select_option(label=title)
        return page.get_by_role("group", name="Condition").last

    card = add("Did something (an activity)")
    card.get_by_label("Activity:").fill("Page visit")
    card.get_by_label("Activity:").press("Enter")
    card.get_by_role("button", name="URL").click()
    card.get_by_label("URL", exact=True).fill("/loans")
    card.get_by_label("Days").fill("30")
    shows_count(page, "4")
    card = add("Did something (an activity)")
    card.get_by_label("Activity:").fill("loan calculator usage")
    card.get_by_label("Activity:").press("Enter")
    card.get_by_role("button", name="Value").click()
    card.get_by_label("How the Value").select_option(label="is at least")
    card.get_by_label("Value", exact=True).fill("5000")
    card.get_by_label("At least so many").fill("2")
    shows_count(page, "3")
    card = add("Agreed to a consent")
    card.get_by_label("Consent", exact=True).select_option(label="Tracking consent")
    shows_count(page, "2")
    card = add("Country")
    card.get_by_label("Whether it holds").select_option(label="is not")
    card.get_by_label("Country:").fill("United States")
    card.get_by_label("Country:").press("Enter")
    shows_count(page, "1")

    assert page.locator("[data-people] a").all_text_contents() == ["Anna"]
    assert page.locator("[data-alone]").all_text_contents() == [
        "4 alone",
        "4 alone",
        "4 alone",
        "4 alone",
    ]
    sentence = page.locator("[data-sentence]").text_content()
    for part in ("/loans", "30 days", "at least twice", "Tracking consent", "not from the United"):
        assert part in sentence, part
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/change/**")
    group = ContactGroup.objects.get()
    assert group.code_name == "loan-interest"
    assert group.rule["conditions"] == [LOANS, CALCULATOR, CONSENT, NOT_USA]


def test_a_nested_rule_is_built_by_keyboard_alone(page):
    make_people()
    page.goto(ADD_URL)
    page.wait_for_selector("[data-count]")
    page.locator("[name=name]").focus()
    keyboard = page.keyboard

    def choose(text, code):
        # The first letters lead to an entry of a list that has the focus.
        keyboard.type(text)
        wait_for(page, "document.querySelector('[name=rule]').value.includes(arg)", code)

    keyboard.type("Nested")
    tab_to(page, "Add group")
    keyboard.press("Enter")
    wait_for_focus(page, "Whether all or any")
    tab_to(page, "What the condition looks at")
    choose("Country", "country")
    tab_to(page, "Country:")
    keyboard.type("United States")
    keyboard.press("Enter")
    shows_count(page, "1")
    tab_to(page, "Add condition")
    keyboard.press("Enter")
    wait_for_focus(page, "What the condition looks at")
    choose("Agreed", "consent")
    tab_to(page, "Whether it holds")
    keyboard.press("ArrowDown")
    tab_to(page, "Consent")
    choose("Tracking", "TrackingConsent")
    shows_count(page, "2")
    # The condition leaves the group, and comes back into it.
    tab_to(page, "Out of the group: Condition 2 of 2", "Shift+Tab")
    keyboard.press("Enter")
    wait_for_focus(page, "Into a group: Condition 2 of 2")
    shows_count(page, "0")
    keyboard.press("Enter")
    shows_count(page, "2")
    wait_for_focus(page, "Into a group: Condition 2 of 2")
    tab_to(page, "Move up: Condition 2 of 2", "Shift+Tab")
    keyboard.press("Enter")
    wait_for_focus(page, "Move down: Condition 1 of 2")
    assert "Moved. Condition 1 of 2." in page.get_by_role("status").all_text_contents()
    tab_to(page, "Save")
    while focused(page) != "Save":
        keyboard.press("Tab")
    keyboard.press("Enter")
    page.wait_for_url("**/change/**")

    usa = {"type": "country", "values": ["USA"]}
    inner = {"match": "any", "conditions": [{**CONSENT, "negate": True}, usa]}
    assert ContactGroup.objects.get().rule == {"match": "all", "conditions": [inner]}


def test_a_card_is_dragged_into_a_group_and_what_is_wrong_stands_beside_it(page):
    first = {"type": "inactive", "days": 30}
    group = {"match": "any", "conditions": [{"type": "country", "values": ["AUT"]}]}
    saved = ContactGroup.objects.create(
        name="Drag", code_name="drag", rule={"match": "all", "conditions": [first, group]}
    )
    page.goto(f"https://{MAIN}/admin/groups/contactgroup/{saved.pk}/change/#general")
    shows_count(page, "0")

    handle = page.get_by_role("group", name="Condition 1 of 2").locator(".cg-handle")
    handle.drag_to(page.get_by_role("group", name="Condition 1 of 1").locator(".cg-head"))

    expected = {"match": "any", "conditions": [*group["conditions"], first]}
    wait_for(page, "document.querySelector('[name=rule]').value.includes(arg)", '[{"match')
    found = rule_in(page)
    assert found["conditions"][0]["match"] == "any"
    assert sorted(found["conditions"][0]["conditions"], key=str) == sorted(
        expected["conditions"], key=str
    )

    card = page.get_by_role("group", name="Condition").filter(has_text="inactive")
    card.get_by_label("Days").fill("0")
    wait_for(page, "[...document.querySelectorAll('.cg-error')].some((one) => one.textContent)")
    assert "Days: " in card.get_by_role("alert").text_content()


def test_a_rule_that_is_not_saved_says_why_beside_its_card(page):
    page.goto(ADD_URL)
    page.fill("[name=name]", "Loans")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("What the condition looks at").select_option(
        label="Did something (an activity)"
    )

    page.get_by_role("button", name="Save", exact=True).click()

    page.wait_for_selector(".errornote")
    shows_count(page, "0")
    card = page.get_by_role("group", name="Condition 1 of 1")
    assert card.get_by_role("alert").text_content().startswith("Activities: ")
    card.get_by_label("Activity:").fill("Page visit")
    card.get_by_label("Activity:").press("Enter")
    wait_for(page, "!document.querySelector('.cg-card .cg-error').textContent")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/change/**")
    assert ContactGroup.objects.get().rule["conditions"] == [
        {"type": "activity", "activities": ["pagevisit"]}
    ]


def test_what_became_of_an_email_is_chosen_like_any_condition(page):
    email = make_email(template=make_template(code_name="brochure", name="Brochure"))
    add_event(email, "opened")
    make_contact(first_name="Bert")
    page.goto(ADD_URL)
    page.fill("[name=name]", "Readers")
    shows_count(page, "2")

    page.get_by_role("button", name="Add condition").click()
    card = page.get_by_role("group", name="Condition").last
    card.get_by_label("What the condition looks at").select_option(label="Got or opened an email")
    card = page.get_by_role("group", name="Condition").last
    card.get_by_label("What became of the email").select_option(label="opened")
    card.get_by_label("Email template").select_option(label="Brochure")
    card.get_by_label("Days").fill("30")

    shows_count(page, "1")
    leaf = {"type": "email_activity", "did": "opened", "template": "brochure", "days": 30}
    assert rule_in(page) == {"match": "all", "conditions": [leaf]}


def test_a_rule_of_a_file_that_compares_numbers_is_shown_and_saved_as_it_is(page):
    leaf = {"type": "field", "field": "zip", "operator": ">=", "value": 5}
    rule = {"match": "all", "conditions": [leaf]}
    saved = ContactGroup.objects.create(name="Zip", code_name="zip", rule=rule)
    make_contact(zip="1010")
    page.goto(f"https://{MAIN}/admin/groups/contactgroup/{saved.pk}/change/#general")
    shows_count(page, "1")

    card = page.get_by_role("group", name="Condition 1 of 1")
    operator = card.get_by_label("Comparison")

    assert operator.locator("option:checked").text_content() == "is at least"
    page.fill("[name=name]", "Postcodes")
    page.locator("[name=_continue], [name=_save]").first.click()
    wait_for(page, "document.querySelector('[name=name]').defaultValue === arg", "Postcodes")
    assert ContactGroup.objects.get().rule == rule


def test_operators_of_numbers_are_offered_for_fields_that_may_be_some(page):
    page.goto(ADD_URL)
    page.get_by_role("button", name="Add condition").click()
    card = page.get_by_role("group", name="Condition 1 of 1")
    card.get_by_label("What the condition looks at").select_option(value="field")
    operator = card.get_by_label("Comparison")

    card.get_by_label("Field", exact=True).select_option(label="ZIP")
    operator.select_option(label="is at least")
    card.get_by_label("Value").fill("5")
    condition = {"type": "field", "field": "zip", "operator": ">=", "value": "5"}
    assert rule_in(page)["conditions"] == [condition]
    card.get_by_label("Field", exact=True).select_option(label="City")

    assert operator.locator("option:checked").text_content() == "contains"
    assert "is at least" not in operator.locator("option").all_text_contents()
    assert rule_in(page)["conditions"][0]["operator"] == "contains"


def test_a_click_is_counted_at_once_and_letters_after_a_pause(page):
    make_contact(city="Wien", country="AUT")
    make_contact(city="Graz", country="AUT")
    page.goto(ADD_URL)
    shows_count(page, "2")
    page.evaluate(WITHOUT_PAUSES)
    card = page.get_by_role("group", name="Condition").last
    page.get_by_role("button", name="Add condition").click()
    card.get_by_label("What the condition looks at").select_option(label="Country")
    wait_for(page, "window.asked === arg", 2)

    card.get_by_label("Country:").press_sequentially("Austria")
    card.get_by_label("Country:").press("Enter")
    wait_for(page, "document.querySelector('[data-alone]').textContent === arg", "2 alone")
    assert page.evaluate("window.asked") == 3
    card.get_by_label("What the condition looks at").select_option(
        label="A field, such as the company"
    )
    card.get_by_label("Field", exact=True).select_option(label="City")
    wait_for(page, "window.asked === arg", 5)
    card.get_by_label("Value").press_sequentially("graz")
    wait_until_drawn(page)
    assert page.evaluate("window.asked") == 5
    card.get_by_label("Comparison").select_option(label="is equal to")
    shows_count(page, "1")
    assert page.evaluate("window.asked") == 6


def test_quick_clicks_supersede_each_other_and_the_last_is_shown(page):
    make_contact(country="AUT")
    make_contact(country="AUT")
    make_contact(country="USA")
    usa = {"match": "all", "conditions": [{"type": "country", "values": ["USA"]}]}
    saved = ContactGroup.objects.create(name="USA", code_name="usa", rule=usa)
    refused, pages = [], set()

    def refuse_once(route):
        pages.add(route.request.post_data_json["page"])
        if refused:
            route.continue_()
        else:
            refused.append(route)
            route.fulfill(json={"superseded": True})

    page.goto(f"https://{MAIN}/admin/groups/contactgroup/{saved.pk}/change/#general")
    shows_count(page, "1")
    page.route(PREVIEW, refuse_once)
    page.get_by_label("Whether it holds").select_option(label="is not")
    shows_count(page, "2")
    page.evaluate(
        """async () => {
            const select = document.querySelector("[aria-label^='Whether it holds']");
            for (const value of ["", "not", "", "not", "", "not", ""]) {
                select.value = value;
                select.dispatchEvent(new Event("change", { bubbles: true }));
                await new Promise((done) => setTimeout(done, 5));
            }
        }"""
    )
    shows_count(page, "1")
    wait_for(page, "document.querySelector('[data-sentence]').textContent.includes('is from')")
    assert len(pages) == 1

    page.reload()
    shows_count(page, "1")
    assert len(pages) == 2


def test_values_that_came_before_are_offered(page):
    make_activity(make_contact(city="Wien"), properties={"plan": "gold"})
    leaves = [
        {"type": "field", "field": "city", "operator": "equals", "value": "x"},
        {
            "type": "activity",
            "activities": ["pagevisit"],
            "properties": [{"name": "plan", "operator": "equals", "value": "x"}],
        },
    ]
    rule = {"match": "any", "conditions": leaves}
    saved = ContactGroup.objects.create(name="Plans", code_name="plans", rule=rule)
    page.goto(f"https://{MAIN}/admin/groups/contactgroup/{saved.pk}/change/#general")
    shows_count(page, "0")

    for label, expected in (
        ("Value", ["Wien"]),
        ("Name of the property", ["plan"]),
        ("Value of the property", ["gold"]),
    ):
        page.get_by_label(label, exact=True).focus()
        wait_for(
            page,
            "JSON.stringify([...document.activeElement.list.options].map((one) => one.value))"
            " === JSON.stringify(arg)",
            expected,
        )
