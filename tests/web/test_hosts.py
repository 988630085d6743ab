"""Which hosts are the hub's own."""

import pytest

from web import hosts
from web.hosts import as_browsers_write, is_hub_host, read_web_address


@pytest.mark.parametrize(
    ("allowed", "host", "is_ours"),
    [
        (["hub.example.com"], "hub.example.com", True),
        (["hub.example.com"], "hub.example.com:8000", True),
        (["hub.example.com"], "HUB.example.com", True),
        (["hub.example.com"], "www.example.com", False),
        ([".example.com"], "www.example.com", True),
        (["[::1]"], "[::1]:8000", True),
        (["*"], "anything.example.com", True),
        (["*"], "", False),
        (["*"], "foo_bar baz", False),
        (["*"], "a" * 300, False),
    ],
)
def test_host_is_one_of_the_hub_or_not(settings, allowed, host, is_ours):
    settings.HUB_HOSTS = allowed

    assert is_hub_host(host) is is_ours


def test_what_is_too_long_for_a_host_is_not_kept():
    hosts._is_one_of.cache_clear()

    is_hub_host("a" * 100_000)

    assert hosts._is_one_of.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("WWW.Example.com", "www.example.com"),
        ("bücher-markt.example", "xn--bcher-markt-thb.example"),
        ("Bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("www。example。com", "www.example.com"),
        ("\uff57ww.example.com", "www.example.com"),
        ("i❤.example", "xn--i-7iq.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("shop_1.example", "shop_1.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_host_is_written_as_browsers_do(host, written):
    assert as_browsers_write(host) == written


@pytest.mark.parametrize(
    "host",
    ["", ".", "a..example", ".example", "www x.example", "a/b", "-a.example", "a-.example",
     "xn--a.example", "xn--abc.example", "a" * 64 + ".example", "a." * 130 + "example", "a\0b",
     "a\n.example", "\ud800.example", "[::1]"],
    ids=range(16),
)  # fmt: skip
def test_what_browsers_do_not_accept_is_no_host(host):
    with pytest.raises(ValueError):  # noqa: PT011 -- the words are those of several libraries
        as_browsers_write(host)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (" HTTPS://Shop.Example.com ", "https://shop.example.com"),
        ("https://bücher.example:443", "https://xn--bcher-kva.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("localhost:8000", "localhost:8000"),
        ("chrome-extension://abc", "chrome-extension://abc"),
    ],
)
def test_address_of_a_website_is_written_as_browsers_do(text, written):
    assert str(read_web_address(text)) == written


@pytest.mark.parametrize(
    "text",
    ["", "https://", "https://a.example/", "https://a.example?b", "https://a.example#b",
     "https://me@a.example", "https://a.example:0", "https://a.example:65536", "a.example:",
     "https://[::1]", "https:\\\\a.example", "a b.example"],
)  # fmt: skip
def test_other_texts_are_no_addresses(text):
    with pytest.raises(ValueError):  # noqa: PT011 -- see above
        read_web_address(text)
