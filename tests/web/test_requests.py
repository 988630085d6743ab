"""Requests of the doors: the same, whether a server or Django has read them."""

import time
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from web.problems import Problem
from web.requests import Request, new_request_id

PATH = "/Kentico.Tracking/activities"


def of_scope(
    headers=(), *, body=b"", query=b"", method="POST", client=("203.0.113.5", 1), server=None
):
    scope = {
        "type": "http",
        "method": method,
        "path": PATH,
        "query_string": query,
        "headers": [(name.encode("latin1"), value.encode("latin1")) for name, value in headers],
        "client": client,
    }
    if server:
        scope["server"] = server
    return Request.of_scope(scope, body)


def of_django(headers=(), *, body=b"", query=b"", method="POST"):
    named = dict(headers)
    content_type = named.pop("content-type", "")
    request = RequestFactory(REMOTE_ADDR="203.0.113.5").generic(
        method,
        f"{PATH}?{query.decode('latin1')}",
        body,
        content_type=content_type,
        headers=named,
    )
    return Request.of_django(request, body)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_both_see_the_same(method):
    headers = [
        ("host", "WWW.Example.com:8443"),
        ("origin", "https://Shop.example"),
        ("user-agent", "Mozilla/5.0 (Ünusual)"),
        ("cookie", 'a=1; b="quoted"; c=x=y; a=2; d'),
        ("content-type", "Text/Plain; charset=UTF-8"),
        ("content-length", "7"),
        ("authorization", "Bearer x"),
        ("x-forwarded-for", "198.51.100.7"),
    ]
    given = {"body": b"a body!", "query": b"a=1&b=%C3%BC&a=2&c=&d", "method": method}

    one, other = of_scope(headers, **given), of_django(headers, **given)

    for name in (
        *("method", "path", "query", "body", "peer", "payload", "channel", "is_known"),
        *("contact_guid", "test_code", "host", "origin", "user_agent", "address"),
        *("content_type", "cookies", "parameters", "length"),
    ):
        assert getattr(one, name) == getattr(other, name), name
    assert one.headers == {name: other.headers[name] for name in one.headers}
    assert (one.host, one.origin) == ("www.example.com:8443", "https://Shop.example")
    assert (one.content_type, one.length) == ("text/plain", 7)
    assert one.cookies == {"a": "2", "b": "quoted", "c": "x=y", "": "d"}
    assert one.parameters == {"a": "2", "b": "ü", "c": "", "d": ""}
    assert (one.peer, one.channel, one.is_known) == ("203.0.113.5", None, False)
    assert one.payload == b"a body!"


def test_request_of_a_door_has_the_id_that_its_middleware_gave():
    request = RequestFactory().post(PATH)
    request.request_id = UUID(int=5)

    assert Request.of_django(request, b"").id == UUID(int=5)
    assert of_scope().id != of_scope().id


def test_cookies_may_come_one_by_one():
    request = of_scope([("cookie", "a=1"), ("host", "x"), ("cookie", "b=2")])

    assert request.cookies == {"a": "1", "b": "2"}


def test_repeated_header_is_a_list():
    request = of_scope([("x-forwarded-for", "a"), ("x-forwarded-for", "b"), ("origin", "o")])

    assert request.headers == {"x-forwarded-for": "a,b", "origin": "o"}


def test_without_a_host_the_server_stands_for_itself():
    assert of_scope(server=("10.0.0.1", 8000)).host == "10.0.0.1"
    assert of_scope().host == ""
    request = HttpRequest()
    request.META["SERVER_NAME"] = "Web1"
    assert Request.of_django(request, b"").host == "web1"
    assert of_scope([("host", "x")], server=("10.0.0.1", 8000)).host == "x"


def test_what_did_not_come_is_empty():
    request = of_scope(client=None)

    assert (request.origin, request.user_agent, request.content_type) == ("", "", "")
    assert (request.peer, request.address, request.cookies) == ("", "", {})
    assert (request.parameters, request.length, request.body) == ({}, 0, b"")


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "203.0.113.5"), (1, "192.0.2.9"), (2, "198.51.100.7")]
)
def test_address_is_the_one_that_the_proxies_tell(settings, proxies, address):
    settings.PROXY_COUNT = proxies
    headers = [("x-forwarded-for", "1.2.3.4, 198.51.100.7, 192.0.2.9")]

    assert of_scope(headers).address == of_django(headers).address == address


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"", {}),
        (b"a=%FF", {"a": "\ufffd"}),
        ("a=ü".encode(), {"a": "ü"}),
        (b"a=\xff", {"a": "\ufffd"}),
        (b"a=b+c%2Bd&&=x&e", {"a": "b c+d", "": "x", "e": ""}),
        (b"&".join(b"n%d=1" % number for number in range(1_000)), None),
    ],
)
def test_parameters_are_read_whatever_they_are(query, parameters):
    read = of_scope(query=query).parameters

    assert read == (parameters if parameters is not None else dict.fromkeys(read, "1"))
    assert len(read) == (len(parameters) if parameters is not None else 1_000)


def test_very_many_parameters_are_refused():
    with pytest.raises(Problem, match="too many parameters") as raised:
        _ = of_scope(query=b"a&" * 1_000 + b"a").parameters

    assert (raised.value.status, raised.value.code) == (400, "bad_request")


@pytest.mark.parametrize(
    ("declared", "length"), [("9", 9), ("1", 3), ("", 3), ("-5", 3), ("x", 3), ("٣٣", 3)]
)
def test_length_is_what_is_declared_or_what_has_come(declared, length):
    request = Request("POST", PATH, "", {"content-length": declared}, b"abc")

    assert request.length == length


def test_ids_are_in_the_order_of_time(monkeypatch):
    before = time.time_ns() // 1_000_000
    ids = []
    for _ in range(5):
        ids.append(new_request_id())
        time.sleep(0.002)
    after = time.time_ns() // 1_000_000

    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert before <= ids[0].int >> 80 < ids[-1].int >> 80 <= after
    assert len({new_request_id() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("noise", [b"\0" * 10, b"\xff" * 10])
def test_id_has_its_version_whatever_is_random(monkeypatch, noise):
    monkeypatch.setattr("web.requests.os.urandom", lambda size: noise)
    monkeypatch.setattr("web.requests.time.time_ns", lambda: 0x0123456789AB * 1_000_000)

    made = new_request_id()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 0x0123456789AB
