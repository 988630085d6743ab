"""Links of pages in browsers, and whose visit they lead to."""

from activities.models import Activity
from contacts.models import Contact
from tests.browser.pages import MAIN, SHOP
from tests.browser.waiting import wait_until

ON_MAIN, ON_SHOP = f"https://{MAIN}", f"https://{SHOP}"


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


def wait_for_the_visitor_on_main(contact=None):
    """Wait for a page visit on the main site, and check that it is the shop's visitor's."""
    visit = wait_until(
        lambda: Activity.objects.filter(tracked_site=None, type__code_name="pagevisit").first()
    )
    assert visit.contact == (contact or Contact.objects.get())
    assert Contact.objects.count() == 1
