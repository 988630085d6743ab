"""The code snippet in pages that demand Trusted Types."""

import pytest

from crosssite import snippet
from tests.browser.pages import MAIN, SHOP, activities, errors
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

STRICT = (
    f"script-src 'nonce-abc' https://{MAIN}; require-trusted-types-for 'script'; trusted-types {{}}"
)
DEFAULT_POLICY = (
    "<script>trustedTypes.createPolicy('default', {"
    " createScriptURL: (url) => url, createHTML: (html) => html })</script>"
)


@pytest.fixture
def open_strict(websites, open_browser):
    """Opens a page that allows certain policies only."""

    def open_it(policies, scripts, body=""):
        scripts = scripts.replace("<script", "<script nonce=abc")
        websites.headers[SHOP] = [("Content-Security-Policy", STRICT.format(policies))]
        websites.pages[SHOP, "/a"] = f"<!doctype html><title>Strict</title>{body}{scripts}"
        page = open_browser().new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"https://{SHOP}/a")
        return page

    return open_it


def is_visited():
    return [activity.value for activity in activities()] == ["Strict"]


@pytest.mark.parametrize(("policies", "before"), [("throughline", ""), ("default", DEFAULT_POLICY)])
def test_the_snippet_works_with_its_policy_or_that_of_the_page(
    tracking, open_strict, policies, before
):
    page = open_strict(policies, before + snippet.render(f"https://{MAIN}"))

    wait_until(is_visited)
    assert page.errors == []


@pytest.mark.parametrize(
    ("policies", "before"), [("throughline throughline-consent", ""), ("default", DEFAULT_POLICY)]
)
def test_the_consent_banner_works_with_its_policies_or_that_of_the_page(
    sites, open_strict, policies, before
):
    code = snippet.render_consent_first(f"https://{MAIN}", "TrackingConsent")
    page = open_strict(policies, before + code, snippet.CONSENT_BANNER)

    page.wait_for_selector("#lblConsentText p:text('May we?')")
    page.click("#btnConsentAgree")

    wait_until(is_visited)
    assert page.errors == []


def test_a_page_that_allows_no_policy_loads_no_tracker(tracking, open_strict):
    page = open_strict("'none'", snippet.render(f"https://{MAIN}"))

    (error,) = errors(page, 1)
    assert "TrustedScriptURL" in error
