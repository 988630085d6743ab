"""The inspector as developers use it: what moves while they look, and what a phone shows."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from activities.jobs import REPLAYS
from activities.models import SenderCount
from activities.replaying import cause_of, request_replay
from jobs.working import work_off
from tests.admin.history import make_rejected
from tests.browser.pages import MAIN
from tests.factories import make_activity_type, make_channel, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "admin:activities_rejectedactivity_"
PHONE = {"width": 390, "height": 844}
# What stands before each cell, as far as it is shown.
LABELS = """
    cells => cells.filter(cell => cell.checkVisibility())
        .map(cell => getComputedStyle(cell, '::before').content.replaceAll('"', ''))
"""


@pytest.fixture
def line():
    """A line of a type that has been made since."""
    make_activity_type("loan_calc")
    guid = str(make_contact().guid)
    return make_rejected(
        "loan_calc", named="loan_calc", channel=make_channel(), contact_guid=guid, context={}
    )


def open_cause(page, line):
    page.goto(f"https://{MAIN}{reverse(f'{BASE}cause')}?cause={line.pk}")


def labels(page):
    return [text.strip() for text in page.eval_on_selector_all(".tl-stacked td", LABELS)]


def test_page_of_a_cause_follows_its_replay(admin_page, line):
    open_cause(admin_page, line)
    admin_page.get_by_role("button", name="Replay the line").click()
    row = admin_page.locator("#replay tbody tr")
    expect(row).to_contain_text("0 of 1")

    work_off(REPLAYS)

    expect(row).to_contain_text("1 of 1")
    expect(admin_page.locator("#replay")).to_contain_text("a line is replayed once")
    expect(admin_page.locator("#facts dl > div", has_text="Let in since")).to_contain_text("1")
    expect(admin_page.locator("#facts")).to_contain_text("Everything of it was let in since.")


def test_on_a_phone_figures_say_what_they_are(admin_page, line):
    request_replay(cause_of(line), None)
    now = timezone.now()
    given = {"hour": now.replace(minute=0, second=0, microsecond=0), "last_at": now}
    SenderCount.objects.create(channel=line.channel, recorded=3, refused=6, **given)
    admin_page.set_viewport_size(PHONE)

    open_cause(admin_page, line)
    of_replay = labels(admin_page)
    admin_page.goto(f"https://{MAIN}{reverse(f'{BASE}senders')}")
    of_sender = labels(admin_page)

    assert of_replay == ["none", "State", "Recorded", "Already there", "Refused again"]
    assert of_sender == ["none", "Last seen", "24 hours", "Refused"]


def test_text_of_a_correction_is_asked_for_where_it_is_used(admin_page, line):
    line.code, line.field = "too_long", "value"
    line.save()
    by_page = {}

    for name, url in {"cause": "", "add": reverse("admin:activities_correction_add")}.items():
        if url:
            admin_page.goto(f"https://{MAIN}{url}")
        else:
            open_cause(admin_page, line)
        action = admin_page.locator("select[name$=action]")
        text = admin_page.locator("textarea[name$=text]")
        shown = {}
        for choice in ("cut", "replace", "drop"):
            action.select_option(choice)
            admin_page.wait_for_timeout(200)
            shown[choice] = text.is_visible()
        by_page[name] = shown

    expected = {"cut": False, "replace": True, "drop": False}
    assert by_page == {"cause": expected, "add": expected}
