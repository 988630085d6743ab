"""Nothing is recorded without consent; what was held back is recorded once when it comes."""

import pytest

from activities.models import Activity, RejectedActivity
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.models import Contact
from crosssite.models import BrowserHits
from tests.browser.conftest import ALLOWED, BLOCKED, DO_NOT_TRACK
from tests.browser.pages import (
    CONSENT_FIRST,
    LOGGER_V2,
    MAIN,
    PLAIN,
    SHOP,
    SUBDOMAIN,
    external_page,
    main_page,
)
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RUN_AGAIN = f"""
const runAgain = () => new Promise((resolve) => {{
    const script = document.createElement('script');
    script.src = '{LOGGER_V2}';
    script.onload = resolve;
    document.head.append(script);
}});
"""


def visits(host=None):
    return Activity.objects.filter(
        type__code_name="pagevisit", **({"tracked_site__name": host} if host else {})
    )


def settle(page, websites):
    """Wait until the page has asked for all that it wants, and has its answers."""
    page.wait_for_function("typeof kxt === 'function' && !Array.isArray(kxt.q)")
    page.evaluate(
        "new Promise(done => kxt('consentdata', "
        "{ codeName: 'TrackingConsent', callback: done, onerror: done }))"
    )
    websites.wait_until_idle()


def names_of_cookies(page):
    return {cookie["name"] for cookie in page.context.cookies()}


def show_errors(script):
    """`script`, with every command's `onerror` shown by the page."""
    return f"""
        const onerror = (error) => show('error', error.type);
        {script.replace("kxt('pagevisit')", "kxt('pagevisit', { onerror })")}
        kxt('click', {{ label: 'Click', onerror }});
        kxt('customactivity', {{ type: 'custom_cta', onerror }});
        kxt('datainput', {{
            label: 'Form', fields: [{{ fieldName: 'ContactEmail', value: 'a@b.example' }}], onerror,
        }});
    """


@pytest.mark.parametrize("cookies", [ALLOWED, BLOCKED])
@pytest.mark.parametrize("script", [CONSENT_FIRST, PLAIN], ids=["consent first", "plain"])
def test_nothing_is_recorded_before_agreement(sites, open_browser, websites, script, cookies):
    websites.pages[SHOP, "/a"] = external_page("A", script=show_errors(script))
    page = open_browser(cookies).new_page()

    page.goto(f"https://{SHOP}/a")
    settle(page, websites)

    assert not Contact.objects.exists()
    assert not Activity.objects.exists()
    assert names_of_cookies(page) == set()
    assert page.get_attribute("html", "data-error") is None


def test_nothing_is_recorded_on_the_main_site_before_agreement(sites, open_browser, websites):
    page = open_browser().new_page()

    page.goto(f"https://{MAIN}/")
    page.wait_for_function("typeof kxt === 'function'")
    page.evaluate(
        "kxt('customactivity', { type: 'custom_cta', onerror: (e) => show('error', e.type) })"
    )
    settle(page, websites)

    assert not Contact.objects.exists()
    assert names_of_cookies(page) == set()
    assert page.get_attribute("html", "data-error") is None


def test_the_inspector_says_that_there_was_no_consent(sites, open_browser, websites):
    websites.pages[SHOP, "/private"] = external_page("Private", script=PLAIN)
    page = open_browser().new_page()

    page.goto(f"https://{SHOP}/private?name=Jo")
    settle(page, websites)

    hits = BrowserHits.objects.get()
    assert (hits.outcome, hits.origin, hits.count) == ("consent", f"https://{SHOP}", 1)
    assert hits.last_path == "/private"
    note = RejectedActivity.objects.get()
    assert (note.code, note.door, bytes(note.payload)) == ("consent", "crosssite", b"")
    assert "Jo" not in note.reason + note.payload_text


@pytest.mark.parametrize("script", [CONSENT_FIRST, PLAIN], ids=["consent first", "plain"])
def test_a_visit_that_was_held_back_is_recorded_once(sites, open_browser, websites, script):
    websites.pages[SHOP, "/a"] = external_page("A", script=script)
    page = open_browser().new_page()
    page.goto(f"https://{SHOP}/a")
    settle(page, websites)

    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)
    page.click("#agree")
    settle(page, websites)

    assert [visit.value for visit in visits()] == ["A"]
    assert Contact.objects.count() == 1


def test_a_visit_that_the_page_logs_in_the_moment_of_release_is_the_same(
    sites, open_browser, websites
):
    page = open_browser().new_page()
    page.goto(f"https://{SHOP}/")
    settle(page, websites)

    page.evaluate("""kxt('consentagree', { codeName: 'TrackingConsent', callback: () => {
        kxt('updateconsent', { allow_tracking: true, allow_datainput: true });
        kxt('pagevisit');
    } })""")
    wait_until(lambda: visits().exists())
    settle(page, websites)
    assert visits().count() == 1

    page.evaluate("kxt('pagevisit')")
    settle(page, websites)
    assert visits().count() == 2


def test_a_visit_that_was_held_back_on_the_main_site_is_recorded_once(
    sites, open_browser, websites
):
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    settle(page, websites)

    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)

    assert visits().count() == 1
    assert Activity.objects.filter(type__code_name="landingpage").count() == 1


def test_the_main_sites_script_may_be_run_again_while_a_visit_is_held_back(
    sites, open_browser, websites
):
    websites.pages[MAIN, "/"] = main_page("Welcome", script=RUN_AGAIN)
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    settle(page, websites)

    page.evaluate("runAgain()")
    settle(page, websites)
    assert not Activity.objects.exists()
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)

    assert visits().count() == 1


@pytest.mark.parametrize(
    "script",
    [
        "kxt('consentagree', { codeName: 'TrackingConsent', callback: runAgain })",
        "kxt('consentagree', { codeName: 'TrackingConsent' }); runAgain()",
        "runAgain(); kxt('consentagree', { codeName: 'TrackingConsent' })",
    ],
    ids=["in the callback", "after asking", "before asking"],
)
def test_the_main_sites_script_run_again_in_the_moment_of_agreeing_belongs_to_that_visit(
    sites, open_browser, websites, script
):
    websites.pages[MAIN, "/"] = main_page("Welcome", script=RUN_AGAIN)
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    settle(page, websites)

    page.evaluate(f"() => {{ {script} }}")
    wait_until(lambda: visits().exists())
    page.wait_for_timeout(300)
    settle(page, websites)

    assert visits().count() == 1


def test_the_main_sites_script_run_again_after_an_agreement_elsewhere_logs_the_visit(
    sites, open_browser, websites
):
    """A website that keeps agreements itself runs the script again when it has one."""
    websites.pages[MAIN, "/"] = main_page("Welcome", script=RUN_AGAIN)
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    settle(page, websites)
    page.evaluate(
        "fetch('/Kentico.CrossSiteTracking/ConsentAgree', { method: 'POST',"
        " body: JSON.stringify({ codeName: 'TrackingConsent', cookieTest: false }) })"
        ".then(() => fetch('/Kentico.CrossSiteTracking/ConsentAgree', { method: 'POST',"
        " body: JSON.stringify({ codeName: 'TrackingConsent', cookieTest: true }) }))"
    )
    assert ConsentAgreement.objects.count() == 1

    page.evaluate("runAgain()")
    settle(page, websites)

    assert visits().count() == 1


def test_the_main_sites_script_run_again_later_logs_again(sites, open_browser, websites):
    websites.pages[MAIN, "/"] = main_page("Welcome", script=RUN_AGAIN)
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    settle(page, websites)
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)

    for _ in range(2):
        page.evaluate("runAgain()")
        settle(page, websites)

    assert visits().count() == 3


def agree_everywhere(page, first, second, websites):
    """Agree on the first website, and go to the second."""
    page.goto(f"https://{first}/")
    settle(page, websites)
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)
    page.click("#main" if second == MAIN else f"#{second.partition('.')[0]}")
    page.wait_for_url(f"https://{second}/")
    settle(page, websites)


@pytest.mark.parametrize(
    ("cookies", "first", "second"),
    [
        (ALLOWED, SHOP, MAIN),
        (BLOCKED, SHOP, MAIN),
        (BLOCKED, SUBDOMAIN, MAIN),
        (ALLOWED, MAIN, SHOP),
        (BLOCKED, MAIN, SHOP),
        (BLOCKED, MAIN, SUBDOMAIN),
    ],
)
def test_revoking_anywhere_holds_everywhere(
    sites, open_browser, websites, worker, cookies, first, second
):
    page = open_browser(cookies).new_page()
    agree_everywhere(page, first, second, websites)
    assert visits().count() == 2

    page.click("#revoke")
    page.wait_for_selector("[data-agreed=false]")
    for host in (first, second):
        page.goto(f"https://{host}/")
        settle(page, websites)
        page.evaluate("kxt('updateconsent', { allow_tracking: true }); kxt('pagevisit')")
        settle(page, websites)

    assert visits().count() == 2
    assert Contact.objects.count() == 1
    assert not names_of_cookies(page) & {
        "CurrentContact",
        "CrossSiteContact",
        "CrossSiteContactPartitioned",
        "CMSLandingPageLoaded",
    }
    level = {c["value"] for c in page.context.cookies() if c["name"] == "CMSCookieLevel"}
    assert level == {"0"}


def test_revoking_in_the_admin_holds_in_the_browser(sites, open_browser, websites):
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    settle(page, websites)
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)
    assert names_of_cookies(page) >= {"CurrentContact", "CMSLandingPageLoaded"}

    record_agreement(Contact.objects.get(), sites.tracking_consent, agreed=False, channel=sites)
    page.reload()
    settle(page, websites)

    assert visits().count() == 1
    assert not names_of_cookies(page) & {"CurrentContact", "CMSLandingPageLoaded"}


@pytest.mark.parametrize("host", [SHOP, MAIN])
def test_who_revoked_may_agree_again(sites, open_browser, websites, host):
    page = open_browser().new_page()
    page.goto(f"https://{host}/")
    settle(page, websites)
    for button, agreed in (("agree", "true"), ("revoke", "false"), ("agree", "true")):
        page.click(f"#{button}")
        page.wait_for_selector(f"[data-agreed={agreed}]")
        settle(page, websites)
    before = visits().count()

    page.reload()
    settle(page, websites)

    assert visits().count() == before + 1


@pytest.mark.parametrize("cookies", [ALLOWED, BLOCKED])
def test_without_a_consent_to_ask_for_the_plain_snippet_logs_at_once(
    free_sites, open_browser, websites, cookies
):
    websites.pages[SHOP, "/a"] = external_page("A", script=PLAIN)
    page = open_browser(cookies).new_page()

    page.goto(f"https://{SHOP}/a")
    settle(page, websites)
    page.reload()
    settle(page, websites)

    assert visits(SHOP).count() == 2
    assert Contact.objects.count() == 1


def test_without_a_consent_to_ask_for_the_page_may_still_hold_back(
    free_sites, open_browser, websites
):
    websites.pages[SHOP, "/a"] = external_page(
        "A", script="kxt('consentdefault', { allow_tracking: false }); kxt('pagevisit');"
    )
    page = open_browser().new_page()
    page.goto(f"https://{SHOP}/a")
    settle(page, websites)
    assert not Contact.objects.exists()

    page.evaluate("kxt('updateconsent', { allow_tracking: true })")
    wait_until(lambda: visits().count() == 1)


@pytest.mark.parametrize("signal", ["Sec-GPC", "DNT"])
@pytest.mark.parametrize("honoured", [True, False])
def test_the_browsers_wish_not_to_be_tracked(free_sites, open_browser, websites, signal, honoured):
    free_sites.honours_opt_out_signals = honoured
    free_sites.save()
    websites.pages[SHOP, "/a"] = external_page("A", script=show_errors(PLAIN))
    context = open_browser(DO_NOT_TRACK if signal == "DNT" else BLOCKED)
    if signal == "Sec-GPC":
        context.set_extra_http_headers({"Sec-GPC": "1"})
    page = context.new_page()

    page.goto(f"https://{SHOP}/a")
    settle(page, websites)

    assert Contact.objects.exists() is not honoured
    assert visits().exists() is not honoured
    assert bool(BrowserHits.objects.filter(outcome="opt_out")) is honoured
    assert page.get_attribute("html", "data-error") is None


def test_an_explicit_agreement_counts_more_than_the_browsers_setting(sites, open_browser, websites):
    page = open_browser(DO_NOT_TRACK).new_page()
    page.goto(f"https://{SHOP}/")
    settle(page, websites)
    assert page.evaluate("navigator.doNotTrack") == "1"

    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    settle(page, websites)

    assert visits().count() == 1


def test_data_input_needs_its_own_permission(sites, open_browser, websites):
    page = open_browser().new_page()
    page.goto(f"https://{SHOP}/")
    settle(page, websites)
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    fields = "[{ fieldName: 'ContactCity', value: 'Brno' }]"
    send = f"kxt('datainput', {{ label: 'Form', fields: {fields} }})"

    page.evaluate("kxt('updateconsent', { allow_datainput: false })")
    page.evaluate(send)
    settle(page, websites)
    assert not Activity.objects.filter(type__code_name="datainput").exists()
    page.evaluate("kxt('updateconsent', { allow_datainput: true })")
    page.evaluate(send)
    settle(page, websites)

    assert Activity.objects.filter(type__code_name="datainput").count() == 1
