"""The commands of the tracker, one by one, in a page of a tracked site."""

import gzip
import re

import pytest

from activities.models import Activity
from consents.models import Consent
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import TrackedSite
from crosssite.tracker import tracker_source
from tests.browser.conftest import BLOCKED, NO_COOKIES
from tests.browser.pages import MAIN, PLAIN, SHOP, external_page, main_page, snippet
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

# What a page calls, in the order in which it is told of it.
TELL = """
const told = [];
const tell = (what) => () => { told.push(what); };
const onerror = async (error) => {
    const detail = error.detail instanceof Response
        ? { status: error.detail.status, text: await error.detail.text() }
        : error.detail;
    told.push({ type: error.type, detail });
};
"""


@pytest.fixture
def open_page(sites, open_browser, websites):
    """Opens a page of the shop with a script of its own."""

    def open_it(script="", body="", preferences=BLOCKED, title="A page", name="kxt"):
        websites.pages[SHOP, "/a"] = external_page(title, body, script=TELL + script, name=name)
        page = open_browser(preferences).new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"https://{SHOP}/a")
        page.wait_for_function(f"{name} && !Array.isArray({name}.q)")
        return page

    return open_it


@pytest.fixture
def tracking(free_sites):
    """No consent stands in the way."""


def told(page, count):
    page.wait_for_function(f"told.length >= {count}")
    return page.evaluate("told")


def activities():
    return Activity.objects.order_by("pk")


# Order


def test_commands_run_strictly_one_after_another(tracking, open_page, websites):
    websites.slow, websites.delay = re.compile("ConsentData"), 0.4
    page = open_page("""
        kxt('consentdata', { codeName: 'TrackingConsent', callback: tell('text') });
        kxt('consentcontactstatus', { codeName: 'TrackingConsent', callback: tell('status') });
        kxt('pagevisit', { title: 'Late', callback: tell('visit') });
        kxt('click', { label: 'Later', callback: tell('click') });
    """)

    assert told(page, 4) == ["text", "status", "visit", "click"]
    assert [activity.value for activity in activities()] == ["Late", "Later"]


def test_the_documented_example_logs_the_first_page_of_who_has_agreed(open_page, websites):
    page = open_page("kxt('consentagree', { codeName: 'TrackingConsent', callback: tell(1) });")
    told(page, 1)
    websites.slow, websites.delay = re.compile("ConsentStatus|ConsentData"), 0.2
    websites.pages[SHOP, "/a"] = external_page(
        "Documented",
        script="""
        kxt('consentdefault', { allow_tracking: false, allow_datainput: false });
        kxt('consentdata', { codeName: 'TrackingConsent', languageName: 'en', callback: text => {
            document.body.dataset.text = text.shortText;
        } });
        kxt('consentcontactstatus', { codeName: 'TrackingConsent', callback: status => {
            if (status.isAgreed) {
                kxt('updateconsent', { allow_tracking: true, allow_datainput: true });
            }
        } });
        kxt('pagevisit');
        """,
    )

    page.reload()
    wait_until(lambda: activities().exists())
    websites.wait_until_idle()

    assert [activity.title for activity in activities()] == ["Page visit 'Documented'"]
    assert page.evaluate("document.body.dataset.text") == "<p>May we?</p>"


def test_settings_apply_at_once_in_callbacks_only(tracking, open_page):
    page = open_page("""
        kxt('consentdefault', { allow_tracking: false });
        kxt('consentdata', { codeName: 'TrackingConsent', callback: () => {
            kxt('configurecontactfieldmapping', { town: 'ContactCity' });
            kxt('updateconsent', { allow_tracking: true });
        } });
        kxt('click', { label: 'Counts', callback: tell('first') });
        kxt('updateconsent', { allow_tracking: false });
        kxt('click', { label: 'Does not count', callback: tell('second') });
        kxt('updateconsent', { allow_tracking: true });
        kxt('click', { label: 'Counts again', callback: tell('third') });
    """)

    assert told(page, 3) == ["first", "second", "third"]
    assert [activity.value for activity in activities()] == ["Counts", "Counts again"]


def test_a_fault_in_a_callback_does_not_stop_the_queue(tracking, open_page):
    page = open_page("""
        kxt('consentdata', { codeName: 'TrackingConsent',
            callback: () => { throw new Error('the page is broken'); } });
        kxt('consentdata', { codeName: 'None',
            onerror: () => { throw new Error('and again'); } });
        kxt('click', { label: 'Still here', callback: tell('click') });
    """)

    assert told(page, 1) == ["click"]
    page.wait_for_function("told.length")
    assert page.errors == ["the page is broken", "and again"]


def test_commands_of_callbacks_join_the_queue(tracking, open_page):
    page = open_page("""
        kxt('consentdata', { codeName: 'TrackingConsent', callback: () => {
            told.push('text');
            kxt('click', { label: 'Inner', callback: tell('inner') });
        } });
        kxt('click', { label: 'Outer', callback: tell('outer') });
    """)

    assert told(page, 3) == ["text", "outer", "inner"]


# Names


def test_consent_texts_come_in_the_language_asked_for(tracking, open_page):
    save_text(Consent.objects.get(), language="cs", short_text="<p>Ano?</p>")
    page = open_page("""
        const show_text = (text) => told.push(text.shortText);
        for (const language of [{ languageName: 'cs' }, { cultureCode: 'cs-CZ' }, {},
                                { languageName: 'en', cultureCode: 'cs' }]) {
            kxt('consentdata', { codeName: 'trackingconsent', ...language, callback: show_text });
        }
    """)

    assert told(page, 4) == ["<p>Ano?</p>", "<p>Ano?</p>", "<p>May we?</p>", "<p>May we?</p>"]


def test_unknown_commands_and_options_are_ignored(tracking, open_page):
    page = open_page("""
        kxt('nonsense', { onerror }); kxt(); kxt(null, null); kxt('constructor', { onerror });
        kxt('__proto__', { onerror }); kxt('toString', {}); kxt('hasownproperty', { onerror });
        kxt('consentdefault', { allow_tracking: true, allow_magic: false, onerror });
        kxt('consentdefault', { allow_tracking: 'no' }); kxt('updateconsent');
        kxt('PageVisit', { title: 'A', colour: 'red', onerror });
        kxt('customactivity', { type: 'custom_cta', value: 'v', title: 'Not here', onerror });
        kxt('click', { label: 'B', onerror, callback: tell('done') });
    """)

    assert told(page, 1) == ["done"]
    assert [activity.title for activity in activities()] == [
        "Page visit 'A'",
        "Call to action 'v'",
        "Clicked 'B'",
    ]
    assert page.errors == []


def test_only_the_main_site_gives_an_activity_a_title(tracking, open_page, websites):
    websites.pages[MAIN, "/"] = main_page("Welcome")
    page = open_page(PLAIN)

    page.goto(f"https://{MAIN}/")
    page.wait_for_function("typeof kxt === 'function'")
    page.evaluate("kxt('customactivity', { type: 'custom_cta', value: 'v', title: 'My title' })")
    wait_until(lambda: activities().count() == 4)

    assert activities().last().title == "My title"


def test_urls_and_referrers_may_be_chosen(tracking, open_page):
    page = open_page("""
        const chosen = { url: 'https://custom.url/', referrer: 'https://custom-referrer.url/' };
        kxt('pagevisit', { title: 'Custom page title', ...chosen });
        kxt('click', { label: 'Click', ...chosen });
        kxt('customactivity', { type: 'custom_cta', value: 'v', ...chosen });
        kxt('datainput', { fields: [], label: 'Form', ...chosen, callback: tell('done') });
        kxt('click', { label: 'Plain', callback: tell('plain') });
    """)
    told(page, 2)

    found = [(activity.url, activity.referrer) for activity in activities()]
    assert found == [
        *[("https://custom.url/", "https://custom-referrer.url/")] * 4,
        (f"https://{SHOP}/a", ""),
    ]
    assert {activity.tracked_site.name for activity in activities()} == {SHOP}


# The function


def test_the_function_may_have_another_name(tracking, open_page):
    page = open_page("customtracker('pagevisit');", name="customtracker")

    wait_until(lambda: activities().count() == 1)
    assert page.evaluate("typeof kxt") == "undefined"


def test_the_main_sites_function_may_have_another_name(tracking, websites, open_browser):
    websites.pages[MAIN, "/"] = main_page(
        "Welcome", attributes='data-function="myTracker" data-page-visit="false"'
    )
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    page.wait_for_function("typeof myTracker === 'function'")
    page.evaluate("myTracker('customactivity', { type: 'custom_cta' })")

    wait_until(lambda: activities().count() == 1)
    assert page.evaluate("typeof kxt") == "undefined"


def test_the_main_site_may_do_without_custom_activities(tracking, websites, open_browser):
    websites.pages[MAIN, "/"] = main_page("Welcome", attributes='data-custom-activity="false"')
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    page.wait_for_function("typeof kxt === 'function'")
    page.evaluate("kxt('customactivity', { type: 'custom_cta' }); kxt('click', { label: 'B' })")

    wait_until(lambda: activities().filter(type__code_name="click").exists())
    assert not activities().filter(type__code_name="custom_cta").exists()


def test_a_reference_to_the_stub_that_the_page_kept_still_works(tracking, open_page):
    page = open_page("const kept = kxt;")
    assert page.evaluate("kept !== kxt")

    page.evaluate("kept('click', { label: 'By the stub' })")

    wait_until(lambda: activities().count() == 1)


def test_no_other_global_is_left_behind(tracking, open_page, websites):
    page = open_page("const before = Object.getOwnPropertyNames(window);" + PLAIN)

    added = page.evaluate("Object.getOwnPropertyNames(window).filter(n => !before.includes(n))")

    assert added == []
    assert page.evaluate("before.filter(n => /xperience|kxt/i.test(n)).sort()") == [
        "XperienceTrackerName",
        "kxt",
    ]


def test_the_snippet_pasted_twice_is_one_tracker(tracking, open_page, websites):
    page = open_page(PLAIN, body=f"<script>{snippet()}</script>")
    page.evaluate(snippet().replace("(function", ";(function", 1))
    page.wait_for_timeout(300)

    page.evaluate("kxt('click', { label: 'Once', onerror, callback: tell('done') })")

    assert told(page, 1) == ["done"]
    assert [activity.type.code_name for activity in activities()] == ["pagevisit", "click"]


# Errors


def test_a_bad_response_brings_the_response(tracking, open_page):
    page = open_page("""
        kxt('consentdata', { codeName: 'None', callback: tell('text'), onerror });
        kxt('click', { label: 'x'.repeat(300), callback: tell('click'), onerror });
        kxt('click', { label: null, callback: tell('click'), onerror });
        kxt('click', { callback: tell('click'), onerror });
        kxt('datainput', { fields: [], label: 'x'.repeat(251), onerror });
        const fields = [{ fieldName: 'ContactEmail', value: null }];
        kxt('datainput', { fields, label: 'F', onerror });
        kxt('customactivity', { type: 'no_such_type', onerror });
        kxt('pagevisit', { url: 'x\\0y', onerror });
    """)

    answers = told(page, 8)

    assert [answer["type"] for answer in answers] == ["error_bad_response"] * 8
    assert [answer["detail"]["status"] for answer in answers] == [404] + [400] * 7
    codes = [re.search('"code": "([^"]+)"', answer["detail"]["text"])[1] for answer in answers]
    assert codes == [
        "unknown_consent",
        "too_long",
        "missing_value",
        "missing_value",
        "too_long",
        "wrong_type",
        "unknown_type",
        "bad_text",
    ]
    assert not activities().exists()


def test_an_error_that_nobody_handles_is_silent(tracking, open_page, websites):
    page = open_page("kxt('click'); kxt('click', { label: 'Next', callback: tell('done') });")
    assert told(page, 1) == ["done"]
    assert page.errors == []


ALL_COMMANDS = """
    kxt('consentagree', { codeName: 'TrackingConsent', callback: tell('agreed'), onerror });
    kxt('pagevisit', { callback: tell('visit'), onerror });
    kxt('click', { label: 'Click', callback: tell('click'), onerror });
"""


def test_a_browser_that_blocks_all_cookies_is_told_so(tracking, open_page):
    page = open_page(ALL_COMMANDS, preferences=NO_COOKIES)

    assert [answer["type"] for answer in told(page, 3)] == ["error_cookies_blocked"] * 3
    assert isinstance(page.evaluate("told[0].detail"), str)
    assert not Contact.objects.exists()


def test_a_browser_that_blocks_all_cookies_may_still_read_the_consent(sites, open_page):
    page = open_page(
        """
        kxt('consentdata', { codeName: 'TrackingConsent', callback: tell('text'), onerror });
        kxt('consentcontactstatus', { codeName: 'TrackingConsent', onerror,
            callback: status => told.push(status.isAgreed) });
        """,
        preferences=NO_COOKIES,
    )

    assert told(page, 2) == ["text", False]


@pytest.mark.parametrize("why", ["unreachable", "unknown", "disabled"])
def test_a_hub_that_does_not_answer_this_site_is_another_error(tracking, open_page, websites, why):
    if why == "unreachable":
        websites.unreachable = re.compile("CrossSiteTracking/(Consent|Log$)")
    elif why == "unknown":
        TrackedSite.objects.filter(url=f"https://{SHOP}").delete()
    else:
        TrackedSite.objects.filter(url=f"https://{SHOP}").update(enabled=False)

    page = open_page(ALL_COMMANDS)

    answers = told(page, 3)
    assert [answer["type"] for answer in answers] == ["error_other"] * 3
    assert f"https://{SHOP}" in answers[0]["detail"]
    assert not Contact.objects.exists()


def test_what_the_page_gets_wrong_is_told_and_stops_nothing(tracking, open_page):
    page = open_page(
        """
        kxt('datainput', { formElement: document.createElement('p'), label: 'Form', onerror });
        kxt('datainput', { fields: [null], label: 'Form', onerror });
        kxt('datainput', { fields: 5, label: 'No fields', onerror });
        kxt('click', { label: 'Next', callback: tell('done') });
        """
    )

    first, second, last = told(page, 3)
    assert (first["type"], second["type"], last) == ("error_other", "error_other", "done")
    assert page.errors == []


# Data input

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


def test_it_is_small():
    source, _ = tracker_source()

    assert len(gzip.compress(source, 9)) < 6 * 1024
