"""When X, send Y: a marketer draws it in the admin, a program sends an event, an email arrives."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from automations.following import AUTOMATIONS
from automations.jobs import RUNS, TRANSACTIONAL_EMAILS
from automations.models import Automation
from jobs.working import work_off
from readers.reading import begin, read_next
from tests.automations.mailbox import mailbox
from tests.browser.pages import MAIN
from tests.browser.waiting import wait_until
from tests.factories import make_channel, make_contact

__all__ = ["mailbox"]

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = f"https://{MAIN}/admin/automations"
EVENT = "file download request"
FILE = "https://www.example.com/downloads/file.pdf?a=1&b=%20"


@pytest.fixture
def page(sites, open_browser):
    """A page in the browser of a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("chief"))
    context = open_browser()
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": f"https://{MAIN}/"}])
    return context.new_page()


def send_event(channel):
    """What a program sends."""
    form = {"actid": channel.account_id, "key": channel.event_key, "event": EVENT}
    form |= {"eventdata": FILE, "visit": json.dumps({"email": "ada@example.com"})}
    assert Client().post("/event", form).json() == {"success": 1, "message": "Event spawned"}


def work():
    """What workers do."""
    read_next(AUTOMATIONS)
    for job in (RUNS, TRANSACTIONAL_EMAILS):
        work_off(job)


def write_template(page):
    page.goto(f"{ADMIN}/template/add/")
    page.fill("[name=name]", "Brochure")
    page.select_option("[name=consent]", "transactional")
    page.fill("[name=subject]", "Your file")
    page.get_by_role("button", name="Text", exact=True).last.click()
    page.wait_for_selector("[contenteditable]:focus")
    page.keyboard.type("Here is your file link: %EVENT: file download request%")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(lambda url: "/add/" not in url)


def draw_automation(page):
    page.goto(f"{ADMIN}/automation/add/")
    page.fill("[name=name]", "Send the brochure")
    page.get_by_label("When does a contact enter?").select_option(
        label="Event is recorded (an activity)"
    )
    page.get_by_label("Activity:").fill(EVENT)
    page.get_by_label("Activity:").press("Enter")
    page.get_by_role("button", name="Add step").last.click()
    kinds = page.get_by_role("group", name="Choose a kind of step")
    kinds.get_by_role("button", name="Send email").click()
    page.get_by_label("Template", exact=True).select_option(label="Brochure")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/change/**")


def switch_on(page):
    page.get_by_role("link", name="Switch on").click()
    page.get_by_text("1 would have entered").wait_for()
    page.get_by_role("button", name="Switch it on").click()
    wait_until(lambda: Automation.objects.filter(enabled=True).exists())


def test_what_a_marketer_drew_sends_the_link_of_an_event(page, mailbox):
    begin()
    channel = make_channel(domain="")
    make_contact(email="ada@example.com", first_name="Ada")
    send_event(channel)  # the first one brings the type
    write_template(page)
    draw_automation(page)
    switch_on(page)
    work()
    assert mailbox.received == []

    send_event(channel)
    work()

    (email,) = mailbox.received
    assert email.to == ["ada@example.com"]
    assert f"Here is your file link: {FILE}" in email.text
