"""The example page of the documentation does what the documentation says, step by step."""

import pytest

from activities.models import Activity, ActivityType
from config.demo.websites import example_page
from contacts.models import Contact
from tests.browser.conftest import ALLOWED, BLOCKED
from tests.browser.pages import MAIN, SHOP
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("cookies", [ALLOWED, BLOCKED])
def test_a_visitor_reads_agrees_clicks_fills_in_the_form_and_goes_on(
    sites, websites, open_browser, worker, cookies
):
    ActivityType.objects.create(code_name="custom_loan_calculator", name="Loan calculator usage")
    websites.pages[SHOP, "/"] = example_page(f"https://{MAIN}")
    page = open_browser(cookies).new_page()

    page.goto(f"https://{SHOP}/")
    page.wait_for_selector("#consent-text:has-text('May we?')")
    assert not Contact.objects.exists()
    page.click("#consent-agree")
    page.wait_for_selector("html[data-consent=agreed]", state="attached")
    page.click("#cta")
    page.click("#calculate")
    page.fill("[name=FirstName]", "Ada")
    page.fill("[name=EmailAddress]", "ada@example.com")
    page.click("#contact-form [type=submit]")
    wait_until(lambda: Activity.objects.filter(tracked_site__isnull=False).count() == 4)
    page.click("#main-site")
    page.wait_for_url(f"https://{MAIN}/")
    wait_until(lambda: Activity.objects.count() == 6)

    ada = wait_until(lambda: Contact.objects.live().filter(email="ada@example.com").first())
    assert list(Contact.objects.live()) == [ada]
    assert ada.first_name == "Ada"
    assert ada.activities.count() == 6
    assert {site.tracked_site.name for site in ada.activities.filter(tracked_site__gt=0)} == {SHOP}
