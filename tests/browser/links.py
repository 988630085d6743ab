"""Links of pages in browsers, and whose visit they lead to."""

from activities.models import Activity
from contacts.models import Contact
from tests.browser.pages import MAIN, SHOP
from tests.browser.waiting import wait_for, wait_until

ON_MAIN, ON_SHOP = f"https://{MAIN}", f"https://{SHOP}"
# Clicks wait a second for their token, which is short on a busy machine: here they wait until
# `lose_patience` is called.
PATIENT = """(() => {
    const later = window.setTimeout;
    window.patience = [];
    window.setTimeout = (call, ms, ...given) =>
        ms === 1000 && given[0] === null
            ? patience.push(() => call(null))
            : later(call, ms, ...given);
})();"""


def add_link(page, href, **attributes):
    """Add a link to the page, in its top left corner, after the tracker has started."""
    page.evaluate(
        """([href, attributes]) => {
            const link = document.createElement('a');
            link.id = 'added';
            for (const name in attributes) link.setAttribute(name, attributes[name]);
            link.setAttribute('href', href);
            link.textContent = 'Follow me';
            document.body.prepend(link);
        }""",
        [href, attributes],
    )


def lose_patience(page):
    """What waits for a token goes on without it, as it does after a second."""
    wait_for(page, "patience.length")
    page.evaluate("patience.splice(0).forEach((give_up) => give_up())")


def wait_for_the_visitor_on_main(contact=None):
    """Wait for a page visit on the main site, and check that it is the shop's visitor's."""
    visit = wait_until(
        lambda: Activity.objects.filter(tracked_site=None, type__code_name="pagevisit").first()
    )
    assert visit.contact == (contact or Contact.objects.get())
    assert Contact.objects.count() == 1
