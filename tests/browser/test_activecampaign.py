"""ActiveCampaign-format events and page visits that web pages of another website send."""

import pytest

from activities.models import Activity
from tests.browser.pages import MAIN, SHOP
from tests.browser.waiting import wait_until
from tests.factories import make_contact

pytestmark = pytest.mark.django_db(transaction=True)

# As clients in use do it: with a header of its own, a request needs a preflight.
PAGE = """<!doctype html><title>Shop</title>
<script src="https://{hub}/visit?actid={actid}&e=ada%40example.com&u=https://shop.example/1">
</script>
<img src="https://{hub}/visit?actid={actid}&e=ada%40example.com&u=https://shop.example/2" alt="">
<script>
fetch('https://{hub}/event', {{
    method: 'POST',
    headers: {{ crossDomain: 'true' }},
    body: new URLSearchParams({{
        actid: '{actid}', key: '{key}', event: 'file download request', eventdata: 'a+b & c',
        visit: JSON.stringify({{ email: 'ada@example.com' }}),
    }}),
}}).then((answer) => answer.json()).then(({{ success, message }}) => {{
    document.documentElement.dataset.answer = `${{success}} ${{message}}`;
}});
</script>
"""


def test_page_of_another_website_logs_an_event_and_page_visits(free_sites, websites, open_browser):
    contact = make_contact(email="ada@example.com")
    websites.pages[SHOP, "/"] = PAGE.format(
        hub=MAIN, actid=free_sites.account_id, key=free_sites.event_key
    )

    page = open_browser().new_page()
    page.goto(f"https://{SHOP}/")

    page.wait_for_selector("html[data-answer]")
    assert page.locator("html").get_attribute("data-answer") == "1 Event spawned"
    activities = Activity.objects.filter(contact=contact).order_by("url")
    wait_until(lambda: activities.count() == 3)
    assert [(one.type.code_name, one.value, one.url) for one in activities] == [
        ("file download request", "a+b & c", ""),
        ("pagevisit", "", "https://shop.example/1"),
        ("pagevisit", "", "https://shop.example/2"),
    ]
    assert ("OPTIONS", "/event", b"") in websites.asked
