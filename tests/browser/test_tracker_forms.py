"""Forms, and pages that are left: what the tracker sends then, in a page of a tracked site."""

import re

import pytest

from activities.models import Activity
from contacts.models import Contact
from tests.browser.pages import (
    MAIN,
    PLAIN,
    SHOP,
    activities,
    external_page,
    snippet,
    told,
)
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FORM = """
<form id="form" method="post" action="/sent">
    <input name="FirstName" value="Jo"> <input name="Unmapped" value="unmapped-value">
    <input name="Password" type="password" value="secret-value">
    <input name="File" type="file"> <input name="Hidden" type="hidden" value="Brno">
    <input name="Off" type="checkbox" value="off-value">
    <input name="On" type="checkbox" value="on-value" checked>
    <input name="Choice" type="radio" value="first-value">
    <input name="Choice" type="radio" value="second-value" checked>
    <input name="Disabled" value="disabled-value" disabled>
    <fieldset disabled><input name="Fieldset" value="fieldset-value"></fieldset>
    <select name="Country"><option value="CZE" selected>Czechia</option></select>
    <textarea name="Note">A note</textarea>
    <input value="nameless-value"> <input name="toString" value="inherited-value">
    <button name="Button" value="button-value" id="send">Send</button>
</form>
"""
MAPPING = """
kxt('configurecontactfieldmapping', {
    FirstName: 'ContactFirstName', Password: 'ContactNotes', File: 'ContactNotes',
    Hidden: 'ContactCity', Off: 'ContactAddress1', On: 'ContactJobTitle',
    Choice: 'ContactCompanyName', Disabled: 'ContactMiddleName', Fieldset: 'ContactMiddleName',
    Country: 'ContactCountry', Note: 'ContactZIP', Button: 'ContactLastName',
});
"""


def test_a_form_is_sent_as_far_as_it_is_mapped(tracking, open_page, websites):
    page = open_page(MAPPING, FORM)

    page.evaluate("""() => {
        const form = document.getElementById('form');
        kxt('datainput', { formElement: form, label: 'Personal data form', callback: tell(1) });
        form.elements.FirstName.value = 'Too late';
    }""")
    told(page, 1)

    (body,) = websites.bodies("Log")[-1:]
    (activity,) = body["activities"]
    assert activity["value"] == "Personal data form"
    assert activity["contactFields"] == {
        "ContactFirstName": "Jo",
        "ContactCity": "Brno",
        "ContactJobTitle": "on-value",
        "ContactCompanyName": "second-value",
        "ContactCountry": "CZE",
        "ContactZIP": "A note",
    }
    assert set(activity) == {"id", "url", "referrer", "type", "value", "contactFields"}


def test_a_form_needs_its_mapping_only_when_it_is_sent(tracking, open_page, websites):
    page = open_page(body=FORM)

    page.evaluate("""() => {
        kxt('datainput', { formElement: document.getElementById('form'), label: 'Unmapped' });
        kxt('configurecontactfieldmapping', { FirstName: 'ContactFirstName' });
        kxt('datainput', { formElement: document.getElementById('form'), label: 'Mapped',
            callback: tell(1) });
    }""")
    told(page, 1)

    sent = [body["activities"][0]["contactFields"] for body in websites.bodies("Log")]
    assert sent[-2:] == [{}, {"ContactFirstName": "Jo"}]


# Each hides a property of the form, or of an element of it, that scripts like to use.
HIDING = ["elements", "action", "id", "name", "method", "submit", "length", "matches", "tagName"]
HIDING += ["children", "querySelectorAll", "nodeName", "localName", "value", "type", "href"]


def test_inputs_that_hide_the_properties_of_their_form_are_read(tracking, open_page, websites):
    mapping = ", ".join(f"{name}: 'ContactNotes'" for name in HIDING[1:])
    inputs = "".join(f'<input name="{name}" value="{name}-value">' for name in HIDING)
    page = open_page(
        f"kxt('configurecontactfieldmapping', {{ elements: 'ContactCity', {mapping} }});",
        f'<form id="form">{inputs}</form>',
    )

    page.evaluate("""() => {
        kxt('datainput', { formElement: document.getElementById('form'), label: 'F',
            callback: tell(1), onerror });
    }""")
    assert told(page, 1) == [1]

    (activity,) = websites.bodies("Log")[-1]["activities"]
    assert activity["contactFields"] == {
        "ContactCity": "elements-value",
        "ContactNotes": "href-value",
    }


def test_a_long_text_is_sent_whatever_its_characters_take(tracking, open_page, websites):
    page = open_page("""
        const fields = [{ fieldName: 'ContactNotes', value: '漢'.repeat(22000) }];
        kxt('datainput', { label: 'F', fields, callback: tell(1), onerror });
    """)

    assert told(page, 1) == [1]
    (activity,) = websites.bodies("Log")[-1]["activities"]
    assert activity["contactFields"] == {"ContactNotes": "漢" * 22_000}


def test_other_scripts_of_the_page_may_take_all_the_room(tracking, open_page, websites):
    page = open_page()
    with websites.holding("Kentico.Other"):
        page.evaluate(f"""() => {{
            const body = 'x'.repeat(64 * 1024);
            const others = {{ method: 'POST', mode: 'no-cors', keepalive: true, body }};
            fetch('https://{MAIN}/Kentico.Other', others).then(() => {{ told.push('other'); }});
            kxt('click', {{ label: 'Mine', callback: tell('mine'), onerror }});
        }}""")
        assert told(page, 1) == ["mine"]

    assert told(page, 2) == ["mine", "other"]
    assert [activity.value for activity in activities()] == ["Mine"]


def test_fields_need_no_mapping_and_reach_the_contact(tracking, open_page, worker):
    page = open_page("""
        kxt('datainput', {
            fields: [
                { fieldName: 'ContactFirstName', value: 'John' },
                { fieldName: 'ContactLastName', value: 'Smith' },
                { fieldName: 'ContactCountry', value: 'USA' },
                { fieldName: 'ContactNotes', value: 'This is a VIP customer.' }
            ],
            label: 'Personal data form',
            callback: tell(1),
        });
    """)
    told(page, 1)

    contact = wait_until(lambda: Contact.objects.filter(first_name="John").first())
    assert (contact.last_name, contact.country) == ("Smith", "USA")
    assert contact.notes == "This is a VIP customer."
    assert Contact.objects.count() == 1


# Titles


def test_a_long_title_is_cut_between_characters(tracking, open_page):
    title = "a" * 249 + "\N{GRINNING FACE}" + "b" * 50
    page = open_page("kxt('pagevisit', { callback: tell(1), onerror });", title=title)

    assert told(page, 1) == [1]
    assert activities().get().value == title[:250]


# Leaving the page


def test_nothing_is_lost_when_the_page_is_left(tracking, open_page, websites):
    websites.pages[SHOP, "/b"] = "<title>B</title>"
    page = open_page("kxt('pagevisit', { callback: tell(1) });")
    told(page, 1)
    websites.slow, websites.delay = re.compile("Log$"), 0.3

    page.evaluate("""() => {
        for (const label of ['1', '2', '3']) kxt('click', { label });
        location = '/b';
    }""")
    page.wait_for_url(f"https://{SHOP}/b")
    wait_until(lambda: activities().count() == 4)
    websites.wait_until_idle()

    assert [a.value for a in activities().filter(type__code_name="click").order_by("value")] == [
        "1",
        "2",
        "3",
    ]
    assert Contact.objects.count() == 1


def test_a_first_visitor_who_leaves_at_once_is_one_contact(tracking, open_page, websites):
    websites.pages[SHOP, "/b"] = "<title>B</title>"
    page = open_page("kxt('consentdefault', { allow_tracking: false }); kxt('pagevisit');")
    page.evaluate("kxt('updateconsent', { allow_tracking: true })")
    wait_until(lambda: len(websites.bodies("Log")) >= 1)
    websites.slow, websites.delay = re.compile("Log$"), 0.3

    page.evaluate("""() => {
        kxt('click', { label: 'One' });
        setTimeout(() => { location = '/b'; }, 20);
    }""")
    page.wait_for_url(f"https://{SHOP}/b")
    websites.wait_until_idle()

    assert Contact.objects.count() <= 1
    assert len({activity.contact for activity in activities()}) <= 1


@pytest.mark.parametrize("label", ["click", "漢" * 100])
def test_more_than_one_request_takes_is_not_lost_when_the_page_is_left(
    tracking, open_page, websites, label
):
    websites.pages[SHOP, "/b"] = "<title>B</title>"
    page = open_page("kxt('pagevisit', { callback: tell(1) });")
    told(page, 1)
    before = len(websites.bodies("Log"))

    page.evaluate(
        """label => {
            for (let i = 0; i < 120; i++) kxt('click', { label: `${label} ${i}` });
            location = '/b';
        }""",
        label,
    )

    clicks = activities().filter(type__code_name="click")
    wait_until(lambda: clicks.count() == 120)
    assert {click.value for click in clicks} == {f"{label} {i}" for i in range(120)}
    sent = [len(body["activities"]) for body in websites.bodies("Log")[before:]]
    assert max(sent) <= 100


def test_small_activities_find_room_beside_a_large_form_when_the_page_is_left(
    tracking, open_page, websites
):
    websites.pages[SHOP, "/b"] = "<title>B</title>"
    page = open_page("kxt('pagevisit', { callback: tell(1) });")
    told(page, 1)

    page.evaluate("""() => {
        kxt('click', { label: 'First' });
        const fields = [{ fieldName: 'ContactNotes', value: 'x'.repeat(50000) }];
        kxt('datainput', { label: 'Large', fields });
        for (let i = 0; i < 20; i++) kxt('click', { label: String(i) });
        location = '/b';
    }""")

    wait_until(lambda: activities().count() == 23)


def test_a_form_that_leaves_the_page_is_recorded(tracking, open_page, websites, worker):
    websites.pages[SHOP, "/sent"] = "<title>Thank you</title>"
    page = open_page(
        MAPPING + PLAIN + "const sending = () => kxt('datainput', {"
        " formElement: document.getElementById('form'), label: 'Form' });",
        FORM.replace("<form", '<form onsubmit="sending()"'),
    )
    wait_until(lambda: activities().count() == 1)

    page.click("#send")
    page.wait_for_url(f"https://{SHOP}/sent")
    wait_until(lambda: activities().count() == 2)
    websites.wait_until_idle()

    assert activities().count() == 2
    wait_until(lambda: Contact.objects.get().first_name == "Jo")


def test_a_page_that_is_left_sends_what_the_consent_known_by_then_allows(open_page, websites):
    websites.pages[SHOP, "/b"] = "<title>B</title>"
    page = open_page("kxt('consentdefault', { allow_tracking: false });")
    websites.slow, websites.delay = re.compile("ConsentStatus"), 0.5

    page.evaluate("""() => {
        kxt('consentcontactstatus', { codeName: 'TrackingConsent' });
        kxt('click', { label: 'Unwanted' });
        location = '/b';
    }""")
    page.wait_for_url(f"https://{SHOP}/b")
    websites.wait_until_idle()

    assert websites.bodies("Log") == []


@pytest.mark.parametrize("host", [SHOP, MAIN])
def test_two_tabs_at_once_are_one_contact(tracking, open_browser, websites, host):
    websites.pages[SHOP, "/"] = external_page("Home", script=PLAIN)
    websites.slow, websites.delay = re.compile("Log$"), 0.15
    context = open_browser()
    tabs = [context.new_page() for _ in range(3)]

    for tab in tabs:
        tab.goto(f"https://{host}/", wait_until="commit")
    wait_until(lambda: Activity.objects.filter(type__code_name="pagevisit").count() == 3)

    assert Contact.objects.count() == 1


# Where it comes from


def test_it_works_under_a_strict_content_security_policy(tracking, open_browser, websites):
    websites.headers[SHOP] = [
        (
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-abc' https://{MAIN};"
            f" connect-src https://{MAIN}; base-uri 'none'",
        )
    ]
    websites.pages[SHOP, "/a"] = (
        "<!doctype html><title>Strict</title>"
        f"<script nonce=abc>{snippet()} kxt('pagevisit');</script>"
        "<script>window.isLax = true</script>"
    )
    page = open_browser().new_page()
    page.goto(f"https://{SHOP}/a")

    wait_until(lambda: activities().count() == 1)
    assert page.evaluate("window.isLax") is None
