"""The address of a client, with and without proxies in front of the hub."""

import pytest

from web.addresses import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        pytest.param(0, "203.0.113.7", "127.0.0.1", id="no-proxy-believes-no-header"),
        pytest.param(1, "203.0.113.7", "203.0.113.7", id="one-proxy"),
        pytest.param(1, "1.1.1.1, 203.0.113.7", "203.0.113.7", id="client-wrote-the-first"),
        pytest.param(2, "203.0.113.7, 10.0.0.1", "203.0.113.7", id="two-proxies"),
        pytest.param(2, "203.0.113.7", "127.0.0.1", id="came-past-a-proxy"),
    ],
)
def test_client_address_is_what_our_proxies_say(settings, proxies, forwarded, address):
    settings.PROXY_COUNT = proxies

    assert client_address(forwarded, "127.0.0.1") == address
