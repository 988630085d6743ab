"""Addresses of destinations that users have typed: what leads into the operator's networks."""

import os
import socket
import subprocess
import sys

import pytest
from django.conf import settings as hub_settings
from django.core.exceptions import ImproperlyConfigured

from destinations import resolving
from destinations.addresses import InvalidAddress, check_url
from destinations.networks import read_networks
from destinations.resolving import NotAllowed, socket_to
from tests.destinations.asking import ask
from tests.destinations.names import _system
from tests.destinations.raw_servers import raw_server, says

LOOPBACK = "a loopback address"
PRIVATE = "a private address"
LINK_LOCAL = "a link-local address"
METADATA = "where clouds have their metadata"
CGNAT = "(CGNAT)"
MULTICAST = "a multicast address"
UNSPECIFIED = "an unspecified address"
SPECIAL = "an address for special purposes"
INSIDE = "an IPv4 address inside an IPv6 address"
UNUSUAL = "an unusual spelling"
NOT_PUBLIC = "no public address"

LITERALS = [
    # Loopback, private, link-local, of providers.
    ("127.0.0.1", LOOPBACK),
    ("127.255.255.254", LOOPBACK),
    ("10.0.0.1", PRIVATE),
    ("172.16.0.1", PRIVATE),
    ("172.31.255.255", PRIVATE),
    ("192.168.1.1", PRIVATE),
    ("169.254.1.1", LINK_LOCAL),
    ("100.64.0.1", CGNAT),
    ("100.127.255.254", CGNAT),
    # Metadata of clouds.
    ("169.254.169.254", METADATA),
    ("100.100.100.200", CGNAT),
    ("168.63.129.16", "a cloud's metadata"),
    ("192.0.0.192", SPECIAL),
    ("[fd00:ec2::254]", PRIVATE),
    # Unspecified, multicast, for other purposes.
    ("0.0.0.0", UNSPECIFIED),
    ("0.1.2.3", UNSPECIFIED),
    ("224.0.0.1", MULTICAST),
    ("239.255.255.250", MULTICAST),
    ("255.255.255.255", SPECIAL),
    ("240.0.0.1", SPECIAL),
    ("198.18.0.1", SPECIAL),
    ("192.88.99.1", SPECIAL),
    ("203.0.113.7", "an address for examples"),
    # IPv6.
    ("[::]", UNSPECIFIED),
    ("[::1]", LOOPBACK),
    ("[0:0:0:0:0:0:0:1]", LOOPBACK),
    ("[fc00::1]", PRIVATE),
    ("[fe80::1]", LINK_LOCAL),
    ("[fec0::1]", PRIVATE),
    ("[ff02::1]", MULTICAST),
    ("[2001:db8::1]", "an address for examples"),
    ("[5f00::1]", NOT_PUBLIC),
    ("[4000::1]", NOT_PUBLIC),
    # IPv4 in IPv6: mapped, translated, compatible, 6to4, Teredo, NAT64.
    ("[::ffff:127.0.0.1]", INSIDE),
    ("[::ffff:7f00:1]", INSIDE),
    ("[0:0:0:0:0:ffff:10.0.0.1]", INSIDE),
    ("[::ffff:8.8.8.8]", INSIDE),
    ("[::ffff:0:127.0.0.1]", INSIDE),
    ("[::127.0.0.1]", INSIDE),
    ("[2002:7f00:1::]", INSIDE),
    ("[2001:0:4136:e378:8000:63bf:80ff:fffe]", INSIDE),
    ("[64:ff9b::127.0.0.1]", "the way to 127.0.0.1, a loopback address"),
    ("[64:ff9b::a9fe:a9fe]", METADATA),
    ("[64:ff9b:1::a00:1]", INSIDE),
    # Odd spellings, which the system or other libraries take for an address.
    ("127.1", UNUSUAL),
    ("127.0.1", UNUSUAL),
    ("0x7f.1", UNUSUAL),
    ("0x7f.0x0.0x0.0x1", UNUSUAL),
    ("0x7f000001", UNUSUAL),
    ("0177.0.0.1", UNUSUAL),
    ("017700000001", UNUSUAL),
    ("2130706433", UNUSUAL),
    ("127.0.0.1.", UNUSUAL),
    ("127.0.0.01", UNUSUAL),
    ("256.256.256.256", UNUSUAL),
    ("1.2.3.4.5", UNUSUAL),
    ("0", UNUSUAL),
    ("0x", UNUSUAL),
    ("evil.example.0x7f", UNUSUAL),
    # Digits and dots of other scripts become those of ASCII.
    ("\u2460\u2461\u2466.0.0.1", LOOPBACK),
    ("\uff11\uff12\uff17.0.0.1", LOOPBACK),
    ("127\u30020\u30020\u30021", LOOPBACK),
    ("\u0661\u0662\u0667.0.0.1", UNUSUAL),
    ("%31%32%37.0.0.1", "has a %"),
    # Interfaces, and what is no address at all.
    ("[fe80::1%25eth0]", "has a %"),
    ("[fe80::1%eth0]", "has a %"),
    ("[::1%251]", "has a %"),
    ("[127.0.0.1]", "is no address"),
    ("[v1.fe]", "no IPv6 address"),
    ("localhost", LOOPBACK),
    ("LocalHost.", LOOPBACK),
    ("hub.localhost", LOOPBACK),
    ("a..example.com", "is no name"),
    ("-a.example.com", "is no name"),
    ("a" * 64 + ".example.com", "is no name"),
]


@pytest.mark.parametrize(("host", "reason"), LITERALS)
def test_a_host_that_is_not_public_is_refused_when_it_is_typed_and_when_it_is_asked(host, reason):
    url = f"http://{host}/hook"

    with pytest.raises(InvalidAddress) as refused:
        check_url(url)
    answer = ask(url)

    assert reason in str(refused.value)
    assert (answer.error, answer.is_refused, answer.status) == (str(refused.value), True, None)


@pytest.mark.parametrize(
    "spelling",
    [
        *("127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "0"),
        *("127.0.0.1.", "localhost", "[::ffff:127.0.0.1]", "\uff11\uff12\uff17.0.0.1"),
    ],
)
def test_no_spelling_of_this_machine_leads_to_it(spelling):
    with raw_server(address="0.0.0.0") as server:
        answer = ask(f"http://{spelling}:{server.port}/")

    assert (server.connections, answer.is_refused) == (0, True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://crm.example.com/", "has to begin with https://"),
        ("file:///etc/passwd", "has to begin with https://"),
        ("gopher://crm.example.com/", "has to begin with https://"),
        ("javascript:alert(1)", "has to begin with https://"),
        ("//crm.example.com/", "has to begin with https://"),
        ("crm.example.com/hook", "has to begin with https://"),
        ("https:crm.example.com", "names no host"),
        ("https:///hook", "names no host"),
        ("https://", "names no host"),
        ("", "has to begin with https://"),
        ("https://user@crm.example.com/", "before an @"),
        ("https://user:secret@crm.example.com/", "before an @"),
        ("https://crm.example.com@10.0.0.1/", "before an @"),
        ("https://:@crm.example.com/", "before an @"),
        ("https://crm.example.com\\@10.0.0.1/", "no backslashes"),
        ("https://crm.example.com/a b", "no spaces"),
        ("https://crm.example.com/\r\nHost: 10.0.0.1", "no spaces"),
        ("https://crm.example.com/\u2028", "no unseen characters"),
        ("https://crm.example.com:0/", "not for HTTP"),
        ("https://crm.example.com:25/", "not for HTTP"),
        ("https://crm.example.com:6379/", "not for HTTP"),
        ("https://crm.example.com:99999/", "is no address"),
        ("https://crm.example.com:http/", "is no address"),
        ("https://[::1/", "is no address"),
        ("https://crm.example.com/" + "a" * 2000, "at most 2,000 characters"),
    ],
)
def test_what_is_no_address_is_refused(url, reason):
    with pytest.raises(InvalidAddress) as refused:
        check_url(url)

    assert reason in str(refused.value)
    assert "secret" not in str(refused.value)
    assert ask(url).is_refused


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com/hook?key=a@b",
        "HTTPS://CRM.Example.com:8443/hook",
        "http://crm.example.com",
        "https://b\u00fccher.example/",
        "https://_hook.example.com./",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://[64:ff9b::8.8.8.8]/",
        "https://1.2.3.4.example.com/",
        "https://crm.0x7f.example/",
    ],
)
def test_a_public_address_is_taken(url):
    assert check_url(url) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", LOOPBACK),
        ("::1", LOOPBACK),
        ("10.1.2.3", PRIVATE),
        ("169.254.169.254", METADATA),
        ("100.100.100.200", CGNAT),
        ("0.0.0.0", UNSPECIFIED),
        ("224.0.0.1", MULTICAST),
        ("fd00:ec2::254", PRIVATE),
        ("fe80::1", LINK_LOCAL),
        ("::ffff:127.0.0.1", INSIDE),
        ("2002:7f00:1::", INSIDE),
        ("64:ff9b::7f00:1", "the way to 127.0.0.1"),
    ],
)
def test_a_name_that_leads_there_is_refused_when_it_is_asked(name_server, address, reason):
    name_server.leads["crm.example.com"] = [[address]]

    assert check_url("http://crm.example.com/") is None
    answer = ask("http://crm.example.com/")

    # It is tried again by the plan: names lead elsewhere again.
    assert (answer.is_refused, answer.status) == (False, None)
    assert answer.error.startswith("crm.example.com leads to ")
    assert reason in answer.error


@pytest.mark.parametrize("order", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]])
def test_a_name_is_refused_for_one_of_its_addresses(name_server, order):
    name_server.leads["crm.example.com"] = [order]

    with raw_server() as server:
        answer = ask(f"http://crm.example.com:{server.port}/")

    assert (answer.status, server.connections) == (None, 0)
    assert LOOPBACK in answer.error


def test_a_name_that_changes_after_the_check_is_connected_to_as_it_was_checked(
    name_server, settings
):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.2/32"]
    name_server.leads["crm.example.com"] = [["127.0.0.2"], ["127.0.0.1"]]

    with raw_server(address="127.0.0.2") as allowed, raw_server(port=allowed.port) as forbidden:
        url = f"http://crm.example.com:{allowed.port}/"
        first, second = ask(url), ask(url)

    # One look-up for each: what was checked is what is connected to.
    assert name_server.asked["crm.example.com", "A"] == 2
    assert (first.status, allowed.connections, forbidden.connections) == (200, 1, 0)
    assert second.status is None
    assert LOOPBACK in second.error


def test_an_address_that_was_not_checked_is_not_connected_to(monkeypatch):
    async def believe(self, host, port=0, family=socket.AF_INET):
        return [
            {
                **{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET},
                **{"proto": 0, "flags": 0},
            }
        ]

    monkeypatch.setattr(resolving.CheckedResolver, "resolve", believe)

    with raw_server() as server:
        answer = ask(f"http://crm.example.com:{server.port}/")

    assert (answer.status, server.connections) == (None, 0)
    assert LOOPBACK in answer.error


def test_no_socket_is_made_for_an_address_that_is_not_allowed():
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("10.0.0.1", 80))

    with pytest.raises(NotAllowed, match=PRIVATE):
        socket_to(info)


def test_the_operator_allows_a_network_and_nothing_beside_it(name_server, settings):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.2/32", "10.0.0.0/8", "fd00:1::/48"]
    name_server.leads |= {
        "inside.example.com": [["127.0.0.2"]],
        "outside.example.com": [["127.0.0.1"]],
        "both.example.com": [["127.0.0.2", "127.0.0.1"]],
    }

    with raw_server(address="127.0.0.2") as server:
        named = {
            name: ask(f"http://{name}.example.com:{server.port}/").status
            for name in ("inside", "outside", "both")
        }

    assert named == {"inside": 200, "outside": None, "both": None}
    for allowed in "10.255.0.1", "[fd00:1::5]", "127.0.0.2":
        assert check_url(f"http://{allowed}/") is None
    for refused in "127.0.0.3", "192.168.0.1", "[::ffff:10.0.0.1]", "[fd00:2::5]", "0x0a.1":
        with pytest.raises(InvalidAddress):
            check_url(f"http://{refused}/")


def test_this_machine_is_reached_where_the_operator_allows_it(settings):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]

    with raw_server() as server:
        answers = [ask(f"http://{host}:{server.port}/") for host in ("localhost", "127.0.0.1")]

    assert [answer.status for answer in answers] == [200, 200]
    assert check_url("http://hub.localhost/") is None


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{port}/", "//[::1]/"]
)
def test_a_redirect_is_an_answer_and_is_not_followed(settings, target):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.2/32"]

    with raw_server() as inside:
        location = target.format(port=inside.port)
        text = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        with raw_server(says(text.encode()), address="127.0.0.2") as server:
            answer = ask(server.url)

    assert (answer.status, server.connections, inside.connections) == (302, 1, 0)


def test_proxies_and_passwords_of_the_environment_are_not_used(settings, monkeypatch, tmp_path):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login hub password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with raw_server() as proxy, raw_server() as server:
        for name in "http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY":
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = ask(server.url)

    assert (answer.status, server.connections, proxy.connections) == (200, 1, 0)
    assert "authorization" not in server.heads[0].lower()


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Host": "10.0.0.1"}, "Host is set by the hub"),
        ({"content-length": "0"}, "content-length is set by the hub"),
        ({"Transfer-Encoding": "chunked"}, "Transfer-Encoding is set by the hub"),
        ({"Connection": "upgrade"}, "Connection is set by the hub"),
        ({"Proxy-Authorization": "Basic secret"}, "Proxy-Authorization is set by the hub"),
        ({"X-Key": "secret\r\nHost: 10.0.0.1"}, "unseen characters"),
        ({"X-Key\r\nHost": "10.0.0.1"}, "is no name of a header"),
        ({"X Key": "secret"}, "is no name of a header"),
        ({"": "secret"}, "is no name of a header"),
        ({"X-Key": "secret" * 1000}, "longer than"),
    ],
)
def test_headers_that_would_make_another_request_are_refused(settings, headers, reason):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    with raw_server() as server:
        answer = ask(server.url, headers=headers)

    assert (answer.is_refused, server.connections) == (True, 0)
    assert reason in answer.error
    assert "secret" not in answer.error


def test_networks_are_read_from_the_setting():
    networks = read_networks([" 10.1.0.0/16 ", "", "fd00:1::/48", "10.2.3.4"])

    assert [str(network) for network in networks] == ["10.1.0.0/16", "fd00:1::/48", "10.2.3.4/32"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.1.2.3/8", "Write 10.0.0.0/8 for the network, or 10.1.2.3 for that address alone"),
        ("ten", "'ten' is none"),
        ("10.0.0.0/33", "'10.0.0.0/33' is none"),
        ("crm.example.com", "'crm.example.com' is none"),
    ],
)
def test_what_is_no_network_is_refused(text, reason):
    with pytest.raises(ImproperlyConfigured, match=reason):
        read_networks(["10.0.0.0/8", text])


def test_the_hub_does_not_start_with_what_is_no_network():
    ended = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=hub_settings.BASE_DIR,
        env={**os.environ, "DESTINATION_ALLOWED_NETWORKS": "10.0.0.0/8,10.1.2.3/16"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert "ImproperlyConfigured: DESTINATION_ALLOWED_NETWORKS has '10.1.2.3/16'" in ended.stderr


def test_the_name_server_of_these_tests_is_asked_about_names_only(name_server):
    assert socket.getaddrinfo is not _system
    assert socket.getaddrinfo("127.0.0.1", 80)[0][4] == ("127.0.0.1", 80)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("unknown.example.com", 80)
