"""The dashboard in a real browser: it refreshes by itself, and leaves the user in peace."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from activities.models import Activity
from figures.following import count_activities
from tests.browser.conftest import TURNED_CLOCK
from tests.browser.pages import MAIN
from tests.factories import make_activity

pytestmark = pytest.mark.django_db(transaction=True)

URL = f"https://{MAIN}/admin/"
MINUTE = 65_000


@pytest.fixture
def page(open_admin):
    """The dashboard of a superuser, whose clock the test turns on."""
    visit()
    page = open_admin(User.objects.create_superuser("chief"), TURNED_CLOCK)
    page.clock.install(time=timezone.now())
    page.goto(URL)
    return page


def visit():
    """Somebody new is here, and is counted."""
    made = make_activity(occurred_at=timezone.now() - timedelta(seconds=1))
    count_activities([made.pk])
    assert Activity.objects.filter(pk=made.pk).exists()


def people(page):
    return page.locator("#dashboard a[href*='people=seen.']:not(svg a) strong").first


def test_it_refreshes_and_keeps_the_focus_and_what_is_open(page):
    expect(people(page)).to_have_text("1")
    table = page.locator("details summary").first
    table.click()
    link = page.locator("#dashboard details a").first
    link.focus()
    page.evaluate("window.scrollTo(0, 200)")
    visit()

    page.clock.run_for(MINUTE)

    expect(people(page)).to_have_text("2")
    assert page.locator("details").first.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('details') !== null")
    assert page.evaluate("window.scrollY") == 200


def test_nobody_asks_while_nobody_looks(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")

    page.clock.run_for(3 * MINUTE)
    assert asked == []

    visit()
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(people(page)).to_have_text("2")


def test_who_was_logged_out_meanwhile_comes_to_the_login(page):
    Session.objects.all().delete()

    page.clock.run_for(MINUTE)

    page.wait_for_url("**/login/**")
    assert page.locator("input[type=password]").is_visible()
