"""The tracker in pages that are kept, prepared, clobbered or full of old libraries."""

import subprocess

import pytest

from tests.browser.conftest import ARGUMENTS, CHROMIUM, KEEPING_PAGES
from tests.browser.pages import (
    MAIN,
    PLAIN,
    SHOP,
    TELL,
    activities,
    external_page,
    main_page,
    snippet,
    told,
)
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ON_SHOP = f"https://{SHOP}"


def visits(**where):
    """The titles of the page visits that were recorded."""
    found = activities().filter(type__code_name="pagevisit", **where)
    return [activity.value for activity in found]


# Pages that are kept, to be shown again


@pytest.fixture
def go_and_come_back(tracking, open_browser, websites):
    """Opens a page, calls something there, goes to another page and comes back."""

    def go(host, content, script="0"):
        websites.pages[host, "/a"] = content
        websites.pages[host, "/b"] = "<title>B</title>"
        page = open_browser(KEEPING_PAGES).new_page()
        page.goto(f"https://{host}/a")
        page.wait_for_function("!!(window.kxt && kxt.runAgain)")
        page.evaluate(script)
        wait_until(lambda: activities().exists())
        # A page that waits for an answer about a visitor is not kept.
        page.evaluate(
            "new Promise((done) => kxt('consentdata', { codeName: 'TrackingConsent',"
            " callback: () => done(), onerror: () => done() }))"
        )
        websites.wait_until_idle()
        page.evaluate("window.isTheSame = true")
        page.goto(f"https://{host}/b")
        # Playwright waits in vain for a page that is shown again to load.
        page.evaluate("setTimeout(() => history.back())")
        page.wait_for_function("window.isTheSame")
        return page

    return go


def test_a_page_that_is_shown_again_is_a_visit(go_and_come_back, websites):
    script = TELL + "kxt('pagevisit', { title: 'Mine', callback: tell('visit') });"
    page = go_and_come_back(SHOP, external_page("A", script=script))

    wait_until(lambda: visits() == ["Mine", "Mine"])
    websites.wait_until_idle()
    # The page called once, and is answered once.
    assert page.evaluate("told") == ["visit"]


def test_a_page_of_the_main_site_that_is_shown_again_is_a_visit(go_and_come_back):
    go_and_come_back(MAIN, main_page("Welcome"))

    wait_until(lambda: visits(tracked_site=None) == ["Welcome", "Welcome"])


def test_a_page_that_logs_no_visits_logs_none_when_it_is_shown_again(go_and_come_back, websites):
    page = go_and_come_back(
        MAIN,
        main_page("Welcome", attributes='data-page-visit="false"'),
        "kxt('click', { label: 'Before' })",
    )

    page.evaluate("kxt('click', { label: 'After' })")

    wait_until(lambda: activities().count() == 2)
    assert visits() == []


def test_a_page_that_is_shown_again_may_take_consent_back_first(go_and_come_back, websites):
    script = (
        "addEventListener('pageshow', (event) => {"
        " if (event.persisted) kxt('updateconsent', { allow_tracking: false }); });"
    )
    page = go_and_come_back(SHOP, external_page("A", script=script + PLAIN))

    page.wait_for_timeout(300)
    websites.wait_until_idle()
    assert visits() == ["A"]


# Pages that are prepared, in case they are opened


@pytest.fixture
def browser_without_debugger(websites, tmp_path):
    """Opens an address in a browser of its own: none with a debugger prepares pages."""
    running = []

    def open_it(url):
        arguments = [
            *(argument for argument in ARGUMENTS if argument != "--disable-background-networking"),
            f"--host-resolver-rules=MAP * 127.0.0.1:{websites.port}",
            f"--user-data-dir={tmp_path}",
            "--headless",
            "--remote-debugging-port=0",
        ]
        running.append(
            subprocess.Popen(
                [CHROMIUM, *arguments, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )

    yield open_it
    for browser in running:
        browser.terminate()
        browser.wait(10)
    websites.wait_until_idle()


PREPARE = """
<script type="speculationrules">
{ "prerender": [{ "urls": ["/prepared"], "eagerness": "immediate" }] }
</script>
"""
# Tells that the tracker had the time to do something too early.
READY = "<script>setTimeout(() => fetch('/ready'), 800)</script>"
# Goes to another page when the test says so.
GO_ON = """
<script>
const ask = async () => {
    const when = await (await fetch('/when')).text();
    if (when === 'now') location.href = '%s';
    else setTimeout(ask, 100);
};
ask();
</script>
"""


@pytest.mark.parametrize("is_opened", [True, False])
@pytest.mark.parametrize("host", [SHOP, MAIN])
def test_a_prepared_page_is_a_visit_when_it_is_opened(
    tracking, browser_without_debugger, websites, host, is_opened
):
    prepared = external_page("Prepared", READY, script=PLAIN)
    if host == MAIN:
        prepared = main_page("Prepared", READY)
    websites.pages[host, "/prepared"], websites.pages[host, "/ready"] = prepared, ""
    next_page = "/prepared" if is_opened else "/other"
    websites.pages[host, "/other"] = external_page("Other", script=PLAIN)
    websites.pages[host, "/"] = f"<title>First</title>{PREPARE}{GO_ON % next_page}"
    websites.pages[host, "/when"] = "not yet"

    browser_without_debugger(f"https://{host}/")

    wait_until(lambda: (host, "/ready", "prefetch;prerender") in websites.opened)
    assert "POST" not in {method for method, _, _ in websites.asked}
    websites.pages[host, "/when"] = "now"
    wait_until(visits)
    websites.wait_until_idle()
    assert visits() == ["Prepared" if is_opened else "Other"]


# Applications of one page


def test_an_application_of_one_page_comes_from_its_own_last_page(tracking, open_page, websites):
    page = open_page(PLAIN)

    page.evaluate("""() => {
        const turn = (url) => { history.pushState({}, '', url); kxt('pagevisit'); };
        kxt('click', { label: 'On A' });
        turn('/b');
        kxt('click', { label: 'On B' });
        kxt('pagevisit');
        turn('/c?kxt-link=old');
        location.hash = 'part';
        kxt('click', { label: 'On C' });
        kxt('pagevisit', { url: 'https://virtual.example/', referrer: 'https://chosen.example/' });
        turn('/d');
        kxt('click', { label: 'On D', callback: tell('done') });
    }""")
    told(page, 1)

    a, b, c, d = (f"{ON_SHOP}/{path}" for path in "abcd")
    assert [(activity.url, activity.referrer) for activity in activities()] == [
        (a, ""),
        (a, ""),
        (b, a),
        (b, a),
        (b, a),
        (c, b),
        (f"{c}#part", b),
        ("https://virtual.example/", "https://chosen.example/"),
        (d, "https://virtual.example/"),
        (d, "https://virtual.example/"),
    ]


# What pages have done to JavaScript and to the document

# As Prototype.js 1.6 and 1.7 have it.
PROTOTYPE = """
function $A(iterable) {
    if (!iterable) return [];
    if ('toArray' in Object(iterable)) return iterable.toArray();
    var length = iterable.length || 0, results = new Array(length);
    while (length--) results[length] = iterable[length];
    return results;
}
Array.from = $A;
String.prototype.toArray = function () { return this.split(''); };
String.prototype.toJSON = function () { return '"' + this + '"'; };
Array.prototype.toJSON = function () { return '[' + this.join(', ') + ']'; };
"""


@pytest.mark.parametrize("more", ["", "Object.prototype.toJSON = () => 'an object';"])
def test_old_libraries_do_no_harm(tracking, open_page, websites, more):
    title = "a" * 249 + "\N{GRINNING FACE}" + "b" * 50
    fields = "[{ fieldName: 'ContactFirstName', value: 'Jo' }]"
    calls = f"kxt('pagevisit'); kxt('datainput', {{ label: 'F', fields: {fields} }})"
    open_page(PROTOTYPE + more, f"<script>{calls}</script>", title=title)

    wait_until(lambda: activities().count() == 2)
    assert visits() == [title[:250]]
    (sent,) = websites.bodies("Log")[-1]["activities"]
    assert sent["contactFields"] == {"ContactFirstName": "Jo"}


def test_what_knows_how_to_be_written_is_written_so(tracking, open_page):
    page = open_page(
        "kxt('pagevisit', { url: new URL('https://a.example/'), callback: tell(1), onerror });"
    )

    assert told(page, 1) == [1]
    assert activities().get().url == "https://a.example/"


def test_elements_that_hide_properties_of_the_document_do_no_harm(tracking, open_browser, websites):
    names = ["currentScript", "title", "referrer", "prerendering", "addEventListener", "location"]
    elements = "".join(f'<form name="{name}"></form>' for name in names)
    websites.pages[SHOP, "/a"] = (
        f"<!doctype html><title>Mine</title>{elements}<script>{snippet()}{PLAIN}</script>"
    )
    page = open_browser().new_page()
    page.goto(f"{ON_SHOP}/a", referer="https://from.example/")

    wait_until(visits)
    visit = activities().get()
    assert (visit.value, visit.referrer) == ("Mine", "https://from.example/")


def test_half_a_character_is_recorded_and_costs_nothing_else(tracking, open_page, websites):
    websites.pages[SHOP, "/b"] = "<title>B</title>"
    page = open_page(PLAIN)
    wait_until(visits)
    half = "'\\ud83d\\ude00'.slice(0, 1)"
    page.evaluate(f"kxt('click', {{ label: {half}, callback: tell(1), onerror }})")
    assert told(page, 1) == [1]

    page.evaluate(f"""() => {{
        kxt('click', {{ label: 'whole \\ud83d\\ude00' }});
        kxt('click', {{ label: 'half ' + {half} + '.' }});
        kxt('click', {{ label: '\\\\ud83d' }});
        location = '/b';
    }}""")

    wait_until(lambda: activities().count() == 5)
    assert {activity.value for activity in activities().filter(type__code_name="click")} == {
        "\N{REPLACEMENT CHARACTER}",
        "whole \N{GRINNING FACE}",
        "half \N{REPLACEMENT CHARACTER}.",
        r"\ud83d",
    }
