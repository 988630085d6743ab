"""The commands of the tracker, one by one, in a page of a tracked site."""

import re

import pytest

from consents.models import Consent
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import TrackedSite
from tests.browser.conftest import NO_COOKIES
from tests.browser.pages import (
    MAIN,
    PLAIN,
    SHOP,
    activities,
    external_page,
    main_page,
    snippet,
    told,
)
from tests.browser.waiting import wait_for, wait_until
from tests.factories import make_group

pytestmark = pytest.mark.django_db(transaction=True)


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
        // What a timer throws the browser tells of, as it does of any fault of a page.
        const thrown = [], later = window.setTimeout;
        window.setTimeout = (call, ...rest) => later(() => {
            try { call(); } catch (error) { thrown.push(error.message); }
        }, ...rest);
        kxt('consentdata', { codeName: 'TrackingConsent',
            callback: () => { throw new Error('the page is broken'); } });
        kxt('consentdata', { codeName: 'None',
            onerror: () => { throw new Error('and again'); } });
        kxt('click', { label: 'Still here', callback: tell('click') });
    """)

    assert told(page, 1) == ["click"]
    wait_for(page, "thrown.length === 2")
    assert page.evaluate("thrown") == ["the page is broken", "and again"]


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
    codes = [re.search('"code": ?"([^"]+)"', answer["detail"]["text"])[1] for answer in answers]
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


# Contact groups


def test_a_page_learns_the_groups_that_websites_may_know(sites, open_page, websites):
    page = open_page("""
        kxt('contactgroups', { callback: groups => told.push(groups), onerror });
        kxt('consentagree', { codeName: 'TrackingConsent', callback: tell('agreed') });
        kxt('contactgroups', { callback: groups => told.push(groups), onerror });
    """)
    assert told(page, 3) == [[], "agreed", []]
    contact = Contact.objects.get()
    make_group("vip", members=[contact], visible_to_websites=True)
    make_group("loan-interest", members=[contact], visible_to_websites=True)
    make_group("secret", members=[contact])

    page.evaluate("kxt('ContactGroups', { callback: groups => told.push(groups), onerror })")

    assert told(page, 4)[3] == ["loan-interest", "vip"]
    asked = len(websites.bodies("ContactGroups"))
    page.evaluate("""
        kxt('updateconsent', { allow_tracking: false });
        kxt('contactgroups', { callback: groups => told.push(groups), onerror });
    """)
    # The hub is not even asked by a page that has no consent.
    assert told(page, 5)[4] == []
    assert len(websites.bodies("ContactGroups")) == asked


def test_a_page_that_gets_no_groups_is_told_why(tracking, open_page, websites):
    websites.unreachable = re.compile("CrossSiteTracking/ContactGroups")

    page = open_page("kxt('contactgroups', { callback: tell('groups'), onerror });")

    (error,) = told(page, 1)
    assert error["type"] == "error_other"
