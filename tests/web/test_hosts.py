"""Which hosts are the hub's own."""

import pytest

from web import hosts
from web.hosts import is_hub_host


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
