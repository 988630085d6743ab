"""The pages behind the links of emails, on a phone whose browser runs no scripts."""

import pytest

from automations.models import EmailEvent
from consents.agreements import is_agreed, record_agreement
from tests.automations.mails import links_of, make_email, make_template
from tests.browser.conftest import ARGUMENTS, CHROMIUM, MILLISECONDS
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 390, "height": 844}
LONG = (
    "<p>May we write to you about "
    + "https://www.example.com/a-very-long-address-without-any-space-" * 3
    + "?</p><table><tr>"
    + "<td>What we keep</td>" * 12
    + "</tr></table>"
)
# The darkest and the lightest that text may be on the ground of a scheme.
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 24, 29)"}


@pytest.fixture(params=["light", "dark"])
def page(playwright, live_server, request):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    context = browser.new_context(
        base_url=live_server.url,
        viewport=PHONE,
        java_script_enabled=False,
        color_scheme=request.param,
        locale="en-GB",
    )
    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    page.scheme, page.problems = request.param, []
    page.on("console", lambda message: page.problems.append(message.text))
    yield page
    browser.close()
    assert page.problems == []


@pytest.fixture
def newsletter():
    return make_consent("NewsletterConsent", name="Newsletter", texts={"en": LONG})


@pytest.fixture
def email(newsletter):
    contact = make_contact(email="anna@example.com")
    record_agreement(contact, newsletter, agreed=True)
    return make_email(contact, template=make_template(consent=newsletter))


def assert_fits(page):
    """Nothing is wider than the phone, what is pressed is large enough, and the scheme is on."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for control in page.locator("button, label").all():
        assert control.bounding_box()["height"] >= 44
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == GROUNDS[page.scheme]


def test_a_reader_unsubscribes_by_the_button(page, email, newsletter):
    page.goto(links_of(email).unsubscribe)
    assert_fits(page)

    page.get_by_role("button", name="Unsubscribe").click()

    assert page.get_by_role("status").inner_text().startswith("You are unsubscribed.")
    assert not is_agreed(email.contact, newsletter)
    assert EmailEvent.objects.get().kind == "unsubscribed"
    page.get_by_role("link", name="See all your choices").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your choices"


def test_a_reader_chooses_by_keyboard(page, email, newsletter):
    offers = make_consent("Offers", name="Offers", texts={"en": "<p>Send me offers.</p>"})
    make_template(consent=offers)
    page.goto(links_of(email).preferences)
    assert_fits(page)
    boxes = page.get_by_role("checkbox", name="I agree")
    assert [box.is_checked() for box in boxes.all()] == [True, False]

    boxes.nth(0).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    assert page.get_by_role("status").inner_text() == "Your choices are saved."
    assert_fits(page)
    assert [box.is_checked() for box in boxes.all()] == [False, True]
    assert is_agreed(email.contact, offers)
    assert not is_agreed(email.contact, newsletter)


def test_a_checkbox_is_described_by_its_text(page, email):
    page.goto(links_of(email).preferences)

    box = page.get_by_role("checkbox", name="I agree")
    text = page.locator(f"#{box.get_attribute('aria-describedby')}")

    assert text.inner_text().startswith("May we write to you about")


def test_a_reader_confirms(page, newsletter):
    email = make_email()
    page.goto(links_of(email).confirm("NewsletterConsent"))
    assert_fits(page)

    page.get_by_role("button", name="I agree").click()

    assert "Your agreement is recorded." in page.get_by_role("status").inner_text()
    assert is_agreed(email.contact, newsletter)
