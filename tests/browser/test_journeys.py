"""The journeys of a visitor between the main site and tracked sites, in a real browser."""

import re

import pytest

from activities.models import Activity
from contacts.models import Contact, ContactMerge
from tests.browser.conftest import ALLOWED, BLOCKED
from tests.browser.pages import BLOG, MAIN, SHOP, SUBDOMAIN
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

every_journey = pytest.mark.parametrize(
    ("cookies", "host"),
    [(ALLOWED, SHOP), (BLOCKED, SHOP), (ALLOWED, SUBDOMAIN), (BLOCKED, SUBDOMAIN)],
)


def titles_of(contact):
    return sorted(contact.activities.values_list("title", flat=True))


def agree(page, activities):
    """Agree to be tracked, and wait until there are so many activities."""
    page.wait_for_function("typeof kxt === 'function'")
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == activities)


def the_only_contact():
    return wait_until(lambda: len(live := Contact.objects.live()) == 1 and live[0])


@every_journey
def test_external_to_main_is_one_contact(sites, open_browser, worker, cookies, host):
    page = open_browser(cookies).new_page()

    page.goto(f"https://{host}/")
    page.wait_for_selector("[data-agreed=false]")
    assert not Contact.objects.exists()
    agree(page, activities=1)
    page.click("#main")
    page.wait_for_url(f"https://{MAIN}/")
    wait_until(lambda: Activity.objects.count() == 3)

    contact = the_only_contact()
    assert titles_of(contact) == [
        "Landing page 'Welcome'",
        f"Page visit 'Home of {host}'",
        "Page visit 'Welcome'",
    ]
    on_site = contact.activities.get(title__startswith="Page visit 'Home")
    assert on_site.tracked_site.name == host
    assert on_site.url == f"https://{host}/"
    assert contact.activities.get(title="Page visit 'Welcome'").referrer == f"https://{host}/"


@every_journey
def test_main_to_external_carries_the_contact_on(sites, open_browser, worker, cookies, host):
    page = open_browser(cookies).new_page()

    page.goto(f"https://{MAIN}/")
    agree(page, activities=2)
    contact = Contact.objects.get()
    page.click(f"#{host.partition('.')[0]}")
    page.wait_for_url(f"https://{host}/")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == 3)

    assert the_only_contact() == contact
    assert titles_of(contact) == [
        "Landing page 'Welcome'",
        f"Page visit 'Home of {host}'",
        "Page visit 'Welcome'",
    ]
    assert contact.activities.get(title__contains="Home").tracked_site.name == host
    assert contact.activities.get(title="Page visit 'Welcome'").tracked_site is None
    # And the next page of the external site needs no link.
    page.goto(f"https://{host}/")
    wait_until(lambda: contact.activities.count() == 4)
    assert Contact.objects.count() == 1


def test_several_external_sites_become_one_contact_at_the_main_site(sites, open_browser, worker):
    page = open_browser(ALLOWED).new_page()

    for number, host in enumerate((SHOP, BLOG, SUBDOMAIN), start=1):
        page.goto(f"https://{host}/")
        # Contacts are separate for every external site, and so are their agreements.
        page.wait_for_selector("[data-agreed=false]")
        agree(page, activities=number)
    assert sorted(map(titles_of, Contact.objects.live())) == [
        [f"Page visit 'Home of {host}'"] for host in (BLOG, SUBDOMAIN, SHOP)
    ]
    page.goto(f"https://{MAIN}/")
    wait_until(lambda: Activity.objects.count() == 5)

    assert titles_of(the_only_contact()) == [
        "Landing page 'Welcome'",
        f"Page visit 'Home of {BLOG}'",
        f"Page visit 'Home of {SUBDOMAIN}'",
        f"Page visit 'Home of {SHOP}'",
        "Page visit 'Welcome'",
    ]
    merges = ContactMerge.objects.values_list("reason", "status")
    assert list(merges) == [(ContactMerge.Reason.JOURNEY, ContactMerge.Status.DONE)] * 2
    # From here on the main site's cookie says who this is, on every site.
    page.goto(f"https://{SHOP}/")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == 6)
    assert Contact.objects.live().count() == 1


def test_several_external_sites_become_one_contact_by_links(sites, open_browser, worker):
    page = open_browser(BLOCKED).new_page()

    # The second arrival is of the same visit: it is no landing page.
    for host, agreed, arrived in ((SHOP, 1, 3), (BLOG, 4, 5)):
        page.goto(f"https://{host}/")
        page.wait_for_selector("[data-agreed=false]")
        agree(page, agreed)
        page.click("#main")
        page.wait_for_url(f"https://{MAIN}/")
        wait_until(lambda expected=arrived: Activity.objects.count() == expected)

    contact = the_only_contact()
    assert titles_of(contact) == [
        "Landing page 'Welcome'",
        f"Page visit 'Home of {BLOG}'",
        f"Page visit 'Home of {SHOP}'",
        "Page visit 'Welcome'",
        "Page visit 'Welcome'",
    ]
    for host in (SHOP, BLOG):
        page.goto(f"https://{host}/")
        page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: contact.activities.count() == 7)
    assert Contact.objects.live().count() == 1


def test_without_a_link_a_blocked_cookie_joins_nobody(sites, open_browser, worker, websites):
    page = open_browser(BLOCKED).new_page()
    page.goto(f"https://{SHOP}/")
    page.wait_for_selector("[data-agreed=false]")
    agree(page, activities=1)

    page.goto(f"https://{MAIN}/")
    agree(page, activities=3)

    assert sorted(map(titles_of, Contact.objects.live())) == [
        ["Landing page 'Welcome'", "Page visit 'Welcome'"],
        [f"Page visit 'Home of {SHOP}'"],
    ]


def test_data_input_on_both_sites_ends_in_one_person(sites, open_browser, worker):
    page = open_browser(BLOCKED).new_page()

    page.goto(f"https://{SHOP}/")
    page.wait_for_selector("[data-agreed=false]")
    agree(page, activities=1)
    page.evaluate("""kxt('datainput', {
        label: 'Form', fields: [{ fieldName: 'ContactEmail', value: 'jo@example.com' }],
    })""")
    wait_until(lambda: Contact.objects.filter(email="jo@example.com").exists())
    page.click("#main")
    page.wait_for_url(f"https://{MAIN}/")
    wait_until(lambda: Activity.objects.count() == 4)

    assert the_only_contact().email == "jo@example.com"
    assert the_only_contact().activities.count() == 4


def test_a_main_page_that_is_left_before_its_visit_is_answered_tells_one_landing_page(
    sites, open_browser, worker, websites
):
    page = open_browser().new_page()
    page.goto(f"https://{MAIN}/")
    wait_until(lambda: len(websites.bodies("Log")) == 1)  # without consent, it is held back
    websites.slow, websites.delay = re.compile("Log$"), 1
    page.click("#agree")
    wait_until(lambda: len(websites.bodies("Log")) == 2)
    page.goto(f"https://{SHOP}/")
    wait_until(lambda: len(websites.bodies("Log")) >= 3)
    websites.wait_until_idle()

    assert titles_of(the_only_contact()) == ["Landing page 'Welcome'", "Page visit 'Welcome'"]
