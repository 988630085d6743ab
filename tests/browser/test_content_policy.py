"""In a browser, no page of the hub does anything that its Content-Security-Policy forbids."""

from datetime import timedelta

import pytest
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from contacts.admin import timeline
from tests.admin.history import SHOWN_MODELS, make_history
from tests.browser.pages import MAIN
from tests.browser.waiting import wait_for
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(admin_page):
    return admin_page


def test_the_admin_violates_no_policy(page):
    make_history()
    paths = ["/admin/", "/admin/settings/tracking/", "/admin/channels/channel/add/"]
    for model in SHOWN_MODELS:
        paths += [changelist_url(model), change_url(model.objects.latest("pk"))]

    for path in paths:
        page.goto(f"https://{MAIN}{path}")
        assert page.problems == [], path


def test_more_of_a_timeline_comes_by_the_keyboard(page, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 2)
    contact, now = make_contact(), timezone.now()
    for number in range(5):
        make_activity(contact, title=f"Visit {number}", occurred_at=now - timedelta(hours=number))
    # The link is below what is in sight: it would not wait for a key otherwise.
    page.set_viewport_size({"width": 1280, "height": 300})
    page.goto(f"https://{MAIN}{change_url(contact)}")

    for shown, first_new in ((4, "Visit 2"), (5, "Visit 4")):
        page.get_by_text("Show more").focus()
        page.keyboard.press("Enter")
        # The focus moves last of all: before, the new button is a plain link.
        has_focus = "one !== document.body && one.innerText.includes(arg)"
        wait_for(page, f"((one) => {has_focus})(document.activeElement)", first_new)
        assert page.locator("article").count() == shown

    assert page.get_by_text("Show more").count() == 0
    assert page.problems == []


def test_more_of_a_timeline_comes_into_sight_by_itself(page, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 2)
    contact, now = make_contact(), timezone.now()
    for number in range(5):
        make_activity(contact, title=f"Visit {number}", occurred_at=now - timedelta(hours=number))
    page.set_viewport_size({"width": 1280, "height": 3000})

    page.goto(f"https://{MAIN}{change_url(contact)}")
    page.wait_for_function("document.querySelectorAll('article').length === 5")
    page.goto(f"https://{MAIN}{change_url(contact)}#general")
    page.reload()
    page.wait_for_timeout(1000)

    assert page.locator("article").count() == 2, "nobody looks at the timeline"
    assert page.problems == []


def test_the_docs_page_works_within_its_policy(page):
    page.goto(f"https://{MAIN}/api/docs/")
    page.get_by_label("API key").fill("tl_a_b")
    page.locator("#createContact > details > summary").click()
    page.locator("#createContact button").click()
    page.get_by_text("401").first.wait_for()

    assert [one for one in page.problems if "status of 401" not in one] == []
    page.problems.clear()


def test_a_script_that_was_put_into_a_page_does_not_run(page):
    page.goto(f"https://{MAIN}/admin/")

    with page.expect_console_message(lambda said: "violation of script-src" in said.text):
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'),"
            " {textContent: 'window.ran = true'}))"
        )

    assert page.evaluate("window.ran") is None
    page.problems.clear()
