"""In a browser, no page of the hub does anything that its Content-Security-Policy forbids."""

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from adminsite.formatting import change_url, changelist_url
from tests.admin.history import SHOWN_MODELS, make_history
from tests.browser.pages import MAIN

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

TELL = """
    document.addEventListener('securitypolicyviolation', event => {
        console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`);
    });
"""


@pytest.fixture
def page(sites, open_browser):
    """A page of a superuser's browser, whose `violations` are noted."""
    client = Client()
    client.force_login(User.objects.create_superuser("chief"))
    context = open_browser()
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": f"https://{MAIN}/"}])
    assert SessionStore(cookie["value"]).exists(cookie["value"])
    page = context.new_page()
    page.violations = []
    page.on(
        "console",
        lambda message: "violation of" in message.text and page.violations.append(message.text),
    )
    page.add_init_script(TELL)
    return page


def test_the_admin_violates_no_policy(page):
    make_history()
    paths = ["/admin/", "/admin/settings/tracking/", "/admin/channels/channel/add/"]
    for model in SHOWN_MODELS:
        paths += [changelist_url(model), change_url(model.objects.latest("pk"))]

    for path in paths:
        page.goto(f"https://{MAIN}{path}")
        assert page.violations == [], path


def test_the_docs_page_works_within_its_policy(page):
    page.goto(f"https://{MAIN}/api/docs/")
    page.wait_for_selector(".opblock")
    page.locator(".opblock-summary").first.click()
    page.wait_for_selector(".opblock-body")

    assert page.violations == []


def test_a_script_that_was_put_into_a_page_does_not_run(page):
    page.goto(f"https://{MAIN}/admin/")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.ran = true'}))"
    )

    page.wait_for_timeout(500)

    assert len(page.violations) == 1
    assert page.evaluate("window.ran") is None
