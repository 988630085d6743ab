"""The hand-over link: how a contact comes along where third-party cookies are blocked."""

import re

import pytest

from activities.models import Activity
from contacts.models import Contact
from tests.browser.conftest import BLOCKED
from tests.browser.links import (
    ON_MAIN,
    ON_SHOP,
    add_link,
    lose_patience,
    wait_for_the_visitor_on_main,
)
from tests.browser.pages import BLOG, MAIN, SHOP
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SLOW, INSTANT = 0.4, 0


@pytest.mark.parametrize("delay", [INSTANT, SLOW])
@pytest.mark.parametrize(
    "way", ["click", "control click", "middle click", "Enter", "blank", "named"]
)
def test_every_way_to_follow_a_link_takes_the_contact_along(shop, websites, way, delay):
    websites.slow, websites.delay = re.compile("Link$"), delay
    attributes = {"blank": {"target": "_blank"}, "named": {"target": "other"}}.get(way, {})
    add_link(shop, f"{ON_MAIN}/?a=1#part", **attributes)
    options = {
        "control click": {"modifiers": ["Control"]},
        "middle click": {"button": "middle"},
    }.get(way, {})

    if way in ("click", "Enter"):
        if way == "Enter":
            shop.focus("#added")
            shop.keyboard.press("Enter")
        else:
            shop.click("#added")
        page = shop
    else:
        with shop.context.expect_page() as opened:
            shop.click("#added", **options)
        page = opened.value
        assert shop.url == f"{ON_SHOP}/"
    page.wait_for_url(f"{ON_MAIN}/?a=1#part")

    wait_for_the_visitor_on_main()
    if way in ("control click", "middle click", "blank"):
        assert page.evaluate("window.opener") is None


def test_a_site_that_hides_where_its_visitors_come_from_hands_over_all_the_same(shop, websites):
    websites.headers[SHOP] = [("Referrer-Policy", "same-origin")]
    shop.goto(f"{ON_SHOP}/")
    shop.wait_for_selector("[data-agreed=true]")
    with shop.expect_response(re.compile("Link$")):
        shop.hover("#main")
    shop.wait_for_timeout(300)

    shop.click("#main")
    shop.wait_for_url(f"{ON_MAIN}/")

    wait_for_the_visitor_on_main()


@pytest.mark.parametrize(
    "tail",
    ["", "?", "?a=1&b=2", "#part", "?a=1#part", "?#part", "?#a?b#c", "?next=/x?y&kxt=1", "?a=%20ü"],
)
def test_the_address_bar_reads_as_the_plain_link(shop, tail):
    add_link(shop, f"{ON_MAIN}/{tail}")
    plain = shop.evaluate("document.getElementById('added').href")

    shop.click("#added")
    shop.wait_for_url(re.compile(rf"^{ON_MAIN}/"))
    shop.wait_for_function("!location.href.includes('kxt-link')")

    assert shop.evaluate("location.href") == plain
    wait_for_the_visitor_on_main()
    assert Activity.objects.get(tracked_site=None, type__code_name="pagevisit").url == plain
    shop.reload()
    wait_until(lambda: Activity.objects.filter(type__code_name="pagevisit").count() == 3)
    assert shop.evaluate("location.href") == plain


@pytest.mark.parametrize("href", [f"{ON_MAIN}/?a=1", f"//{MAIN}/?a=1", f"{ON_MAIN}:443/?a=1"])
def test_a_copied_address_is_the_plain_one(shop, href):
    add_link(shop, href, target="_blank")
    read = "document.getElementById('added').getAttribute('href')"

    shop.hover("#added")
    assert shop.evaluate(read) == href
    with shop.context.expect_page() as opened:
        shop.click("#added")
    assert shop.evaluate(read) == href
    opened.value.wait_for_url(f"{ON_MAIN}/?a=1")
    wait_for_the_visitor_on_main()


DRAWN = """
<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40">
    <a id="drawn" {}><rect width="60" height="40"/></a>
</svg>
"""
MAP = """
<img usemap="#map" width="60" height="40" alt="" src="data:image/svg+xml,%3Csvg xmlns=
'http://www.w3.org/2000/svg' width='60' height='40'/%3E">
<map name="map"><area id="drawn" shape="rect" coords="0,0,60,40" {}></map>
"""
OTHER_LINKS = {
    "svg": DRAWN.format(f'href="{ON_MAIN}/?a=1"'),
    "old svg": DRAWN.format(f'xlink:href="//{MAIN}/?a=1"'),
    "svg in a new tab": DRAWN.format(f'href="{ON_MAIN}/?a=1" target="_blank"'),
    "area": MAP.format(f'href="{ON_MAIN}/?a=1"'),
    "area in a new tab": MAP.format(f'href="//{MAIN}/?a=1" target="_blank"'),
}


def add_drawn(page, html, *, is_prepared):
    """Add a link that is drawn to the top left corner; prepared, it has got its token already."""
    add = "html => document.body.insertAdjacentHTML('afterbegin', html)"
    if not is_prepared:
        page.evaluate(add, html)
        return
    # The pointer may be there already.
    with page.expect_response(re.compile("Link$")):
        page.evaluate(add, html)
        page.mouse.move(30, 20)
    page.wait_for_timeout(300)


def attributes_of_drawn(page):
    return page.evaluate("""() => {
        const { attributes } = document.getElementById('drawn');
        return [...attributes].map(({ name, value }) => [name, value]);
    }""")


@pytest.mark.parametrize("delay", [INSTANT, SLOW])
@pytest.mark.parametrize("kind", OTHER_LINKS)
def test_maps_and_drawings_take_the_contact_along(shop, websites, kind, delay):
    websites.slow, websites.delay = re.compile("Link$"), delay
    add_drawn(shop, OTHER_LINKS[kind], is_prepared=delay == INSTANT)
    plain = attributes_of_drawn(shop)

    if "tab" in kind:
        with shop.context.expect_page() as opened:
            shop.mouse.click(30, 20)
        page = opened.value
        assert attributes_of_drawn(shop) == plain
    else:
        shop.mouse.click(30, 20)
        page = shop
    page.wait_for_url(f"{ON_MAIN}/?a=1")

    wait_for_the_visitor_on_main()


@pytest.mark.parametrize("delay", [INSTANT, SLOW])
@pytest.mark.parametrize("kind", ["svg", "area"])
def test_maps_and_drawings_hand_over_where_pages_hide_where_visitors_come_from(
    shop, websites, kind, delay
):
    websites.headers[SHOP] = [("Referrer-Policy", "same-origin")]
    shop.goto(f"{ON_SHOP}/")
    shop.wait_for_selector("[data-agreed=true]")
    websites.slow, websites.delay = re.compile("Link$"), delay
    add_drawn(shop, OTHER_LINKS[kind], is_prepared=delay == INSTANT)

    shop.mouse.click(30, 20)
    shop.wait_for_url(f"{ON_MAIN}/?a=1")

    wait_for_the_visitor_on_main()


def test_a_link_that_hides_where_it_is_hands_over_nothing(shop, websites):
    websites.slow, websites.delay = re.compile("Link$"), SLOW
    add_link(shop, f"{ON_MAIN}/?a=1", rel="noreferrer")

    shop.click("#added")
    shop.wait_for_url(f"{ON_MAIN}/?a=1")

    assert shop.evaluate("document.referrer") == ""


@pytest.mark.parametrize(
    ("tail", "plain"),
    [
        ("?kxt-link=old", ""),
        ("?kxt-link=old&kxt-link=older&a=1", "?a=1"),
        ("?a=1&kxt-link=old#part", "?a=1#part"),
        ("?kxt-link-of=mine#?kxt-link=part", "?kxt-link-of=mine#?kxt-link=part"),
    ],
)
@pytest.mark.parametrize("delay", [INSTANT, SLOW])
def test_an_old_token_in_a_link_is_replaced(shop, websites, tail, plain, delay):
    websites.slow, websites.delay = re.compile("Link$"), delay
    addresses = []
    shop.on("request", lambda request: addresses.append(request.url))
    add_link(shop, f"{ON_MAIN}/{tail}")

    shop.click("#added")
    shop.wait_for_url(f"{ON_MAIN}/{plain}")

    (followed,) = [url for url in addresses if url.startswith(f"{ON_MAIN}/?")]
    assert followed.partition("#")[0].count("kxt-link=") == 1
    assert "kxt-link=old" not in followed
    wait_for_the_visitor_on_main()


def test_a_script_that_asks_for_a_link_gets_one_token(shop):
    answer = shop.evaluate(
        "url => new Promise(resolve => kxt('link', { url, callback: resolve }))",
        f"{ON_MAIN}/?kxt-link=old&a=1",
    )

    assert re.fullmatch(rf"{ON_MAIN}/\?a=1&kxt-link=[\w.:-]+", answer)
    assert "old" not in answer


def test_a_link_to_another_website_is_left_alone(shop, websites):
    websites.pages["elsewhere.example", "/"] = "<title>Elsewhere</title>"
    websites.pages[SHOP, "/next"] = "<title>Next</title>"
    seen = []
    shop.on("request", lambda request: seen.append(request.url))

    for href in ("https://elsewhere.example/", f"https://{BLOG}/", f"{ON_SHOP}/next"):
        add_link(shop, href)
        shop.click("#added")
        shop.wait_for_url(href)
        shop.goto(f"{ON_SHOP}/")
        shop.wait_for_selector("[data-agreed=true]")

    assert not [url for url in seen if "kxt-link" in url]
    assert websites.bodies("Link") == []


def test_a_click_that_the_page_keeps_for_itself_is_left_alone(shop, websites):
    add_link(shop, f"{ON_MAIN}/")
    shop.evaluate("document.addEventListener('click', (event) => event.preventDefault())")

    shop.click("#added")

    shop.wait_for_timeout(300)
    assert shop.url == f"{ON_SHOP}/"


@pytest.mark.parametrize("why", ["unreachable", "slow"])
def test_a_hub_that_does_not_answer_holds_nobody_up(shop, websites, why):
    if why == "unreachable":
        websites.unreachable = re.compile("Link$")
    add_link(shop, f"{ON_MAIN}/?a=1")

    with websites.holding("Link$"):
        shop.click("#added")
        if why == "slow":
            lose_patience(shop)
        shop.wait_for_url(f"{ON_MAIN}/?a=1")


def test_a_script_that_navigates_itself_asks_for_a_link(shop, websites):
    addresses = [f"{ON_MAIN}/?a=1#part", "https://elsewhere.example/", f"{ON_SHOP}/next", "/next"]

    answers = [
        shop.evaluate(
            "url => new Promise(resolve => kxt('link', { url, callback: resolve }))", address
        )
        for address in addresses
    ]

    assert answers[1:] == addresses[1:]
    assert re.fullmatch(rf"{ON_MAIN}/\?a=1&kxt-link=[\w.:-]+#part", answers[0])
    shop.evaluate("url => { location = url }", answers[0])
    shop.wait_for_url(f"{ON_MAIN}/?a=1#part")
    wait_for_the_visitor_on_main()


def test_a_script_gets_the_plain_link_from_a_hub_that_is_slow(shop, websites):
    with websites.holding("Link$"):
        shop.evaluate(
            "url => kxt('link', { url, callback: show.bind(null, 'link') })", f"{ON_MAIN}/"
        )
        lose_patience(shop)
        shop.wait_for_selector(f"[data-link='{ON_MAIN}/']")


def test_hovering_before_agreeing_does_not_spoil_the_link(sites, open_browser, websites):
    page = open_browser(BLOCKED).new_page()
    page.goto(f"{ON_SHOP}/")
    page.wait_for_selector("[data-agreed=false]")
    page.evaluate("kxt('updateconsent', { allow_tracking: true })")
    page.hover("#main")
    wait_until(lambda: websites.bodies("Link"))
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == 1)

    page.click("#main")
    page.wait_for_url(f"{ON_MAIN}/")

    wait_for_the_visitor_on_main()


def test_no_token_without_an_agreement(sites, open_browser, websites):
    page = open_browser(BLOCKED).new_page()
    page.goto(f"{ON_SHOP}/")
    page.wait_for_selector("[data-agreed=false]")
    page.evaluate("kxt('updateconsent', { allow_tracking: true })")
    seen = []
    page.on("request", lambda request: seen.append(request.url))

    page.click("#main")
    page.wait_for_url(f"{ON_MAIN}/")

    assert f"{ON_MAIN}/" in seen
    assert not Contact.objects.exists()
