"""Requests to destinations: how long they take, what is read, what is said when they fail."""

import asyncio
import gzip
import socket
import ssl
import struct
import threading
import time

import pytest
import trustme

from destinations import http
from destinations.http import Client, Request
from destinations.outcomes import MOST_OF_ANSWER
from tests.config.hub import free_port
from tests.destinations.asking import ask, ask_all
from tests.destinations.raw_servers import OK, raw_server, says
from tests.threads import run_in_loop

pytestmark = pytest.mark.usefixtures("loopback")


def answer_of(body=b"", *, status="200 OK", headers=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@pytest.fixture
def short(monkeypatch):
    """Requests are given up after a second."""
    monkeypatch.setattr(http, "SECONDS", 1.0)


def test_a_request_goes_out_as_it_is():
    with raw_server() as server:
        answer = ask(
            f"{server.url}?a=1&b=%26",
            method="PATCH",
            headers={"X-Key": "k\u00e9y", "Content-Type": "text/plain"},
            body="é".encode(),
        )

    line, *lines = server.heads[0].splitlines()
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    assert line == "PATCH /hook?a=1&b=%26 HTTP/1.1"
    assert server.bodies == ["é".encode()]
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "Throughline",
        "accept": "*/*",
        "accept-encoding": "identity",
        "x-key": "k\u00e9y",
        "content-type": "text/plain",
        "content-length": "2",
    }
    assert (answer.status, answer.text, answer.error, answer.is_cut) == (200, "ok", "", False)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/a%2Fb/../%7ec?sp=%2Ft&sig=a%2Bb%3D&x=+", "/a%2Fb/../%7ec?sp=%2Ft&sig=a%2Bb%3D&x=+"),
        ("?a=?#part", "/?a=?"),
        ("", "/"),
        ("/caf\u00e9?q=\u00fc|", "/caf%C3%A9?q=%C3%BC%7C"),
        ("/100%?q=%zz", "/100%25?q=%25zz"),
    ],
)
def test_path_and_query_go_out_as_they_are_written(written, sent):
    with raw_server() as server:
        assert ask(f"http://127.0.0.1:{server.port}{written}").status == 200

    assert server.heads[0].splitlines()[0] == f"POST {sent} HTTP/1.1"


def test_a_request_without_a_body_has_none():
    with raw_server() as server:
        answer = ask(server.url, method="GET", body=None)

    assert answer.status == 200
    assert "content-" not in server.heads[0].lower()


def test_a_large_body_goes_out_whole():
    body = b"x" * 2_000_000

    with raw_server() as server:
        assert ask(server.url, body=body).status == 200

    assert server.bodies == [body]
    # What it is, only the kind of destination knows.
    assert "content-type" not in server.heads[0].lower()


@pytest.mark.parametrize("status", ["204 No Content", "302 Found", "410 Gone", "503 Busy"])
def test_an_answer_has_its_status_and_headers(status):
    headers = "Retry-After: 7\r\nLocation: http://127.0.0.1:1/\r\n"

    with raw_server(says(answer_of(status=status, headers=headers))) as server:
        answer = ask(server.url)

    assert (answer.status, answer.text) == (int(status[:3]), "")
    assert answer.headers["retry-after"] == "7"
    assert server.connections == 1


def test_connections_are_used_again():
    with raw_server() as server:
        answers = ask_all([Request("POST", server.url, {}, b"{}")] * 5)

    assert [answer.status for answer in answers] == [200] * 5
    assert (len(server.heads), server.connections) == (5, 1)


def test_a_connection_that_was_closed_meanwhile_is_made_anew():
    """The server closes it when the second request arrives, as one does that was idle too long."""
    seen = []

    def answer(connection, head):
        seen.append(head)
        if len(seen) == 2:
            return False
        connection.sendall(OK)
        return True

    with raw_server(answer) as server:
        answers = ask_all([Request("POST", server.url, {}, b"{}")] * 2)

    assert [answer.status for answer in answers] == [200, 200]
    assert server.connections == 2


def test_a_request_is_made_once_on_a_new_connection_that_is_closed():
    with raw_server(says(b"", keeps=False)) as server:
        answer = ask(server.url)

    assert (answer.status, server.connections) == (None, 1)
    assert answer.error == "127.0.0.1 closed the connection without an answer."


def test_four_kilobytes_of_a_long_answer_are_read(monkeypatch):
    sent = []

    def answer(connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 10_000)
            sent.append(10_000)
        return True

    with raw_server(answer) as server:
        first, second = ask_all([Request("POST", server.url, {}, b"{}")] * 2)

    assert (first.status, first.text, first.is_cut) == (200, "x" * MOST_OF_ANSWER, True)
    # The rest is not waited for, and its connection not used again.
    assert (second.status, server.connections) == (200, 2)
    assert sum(sent) < 20_000_000


def test_an_answer_of_just_four_kilobytes_is_whole():
    with raw_server(says(answer_of(b"x" * MOST_OF_ANSWER))) as server:
        answers = ask_all([Request("POST", server.url, {}, b"{}")] * 2)

    assert [(one.text, one.is_cut) for one in answers] == [("x" * MOST_OF_ANSWER, False)] * 2
    assert server.connections == 1


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b"\0" * 1_000_000)
    assert len(bomb) < MOST_OF_ANSWER

    with raw_server(says(answer_of(bomb, headers="Content-Encoding: gzip\r\n"))) as server:
        answer = ask(server.url)

    assert (answer.status, answer.is_cut) == (200, False)
    assert answer.text == "(The answer is compressed, although the hub asks for plain text.)"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("é".encode(), "", "é"),
        ("é".encode("latin-1"), "; charset=ISO-8859-1", "é"),
        ("é".encode(), "; charset=unknown", "é"),
        ("é".encode(), "; charset=unicode_escape", "é"),
        (b"a\0b", "", "a\ufffdb"),
        (b"a\xffb", "", "a\ufffdb"),
        ("é".encode() * 2048 + b"!", "", "é" * 2048),
        (b"x" + "é".encode() * 2048, "", "x" + "é" * 2047),
    ],
)
def test_the_text_of_an_answer_can_be_kept(body, charset, text):
    headers = f"Content-Type: text/html{charset}\r\n"

    with raw_server(says(answer_of(body, headers=headers))) as server:
        assert ask(server.url).text == text


def test_what_does_not_answer_is_given_up(short):
    held = threading.Event()

    with raw_server(lambda connection, head: held.wait(10)) as server:
        began = time.monotonic()
        answer = ask(server.url)
        took = time.monotonic() - began
        held.set()

    assert answer.error == "127.0.0.1 did not answer within 1 seconds."
    assert answer.status is None
    assert 1 <= took < 5


def test_an_answer_by_a_byte_a_second_is_given_up_in_its_head(short):
    def answer(connection, head):
        for number in range(20):
            connection.sendall(OK[number : number + 1])
            time.sleep(0.2)

    with raw_server(answer) as server:
        began = time.monotonic()
        answer = ask(server.url)

    assert answer.error == "127.0.0.1 did not answer within 1 seconds."
    assert time.monotonic() - began < 5


def test_what_was_answered_counts_though_its_text_does_not_end(short):
    def answer(connection, head):
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nsl")
        for _ in range(20):
            time.sleep(0.4)
            connection.sendall(b"o")

    with raw_server(answer) as server:
        began = time.monotonic()
        answer = ask(server.url)

    assert (answer.status, answer.text[:3], answer.is_cut, answer.error) == (202, "slo", True, "")
    assert time.monotonic() - began < 5


def test_an_answer_that_breaks_off_counts():
    text = b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nbroken"

    with raw_server(says(text, keeps=False)) as server:
        answer = ask(server.url)

    assert (answer.status, answer.text, answer.is_cut) == (500, "broken", True)


def test_a_reset_connection_is_no_answer():
    def answer(connection, head):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    with raw_server(answer) as server:
        answer = ask(server.url)

    assert answer.error == "127.0.0.1 closed the connection without an answer."


def test_what_does_not_listen_is_said():
    port = free_port()

    answer = ask(f"http://127.0.0.1:{port}/")

    assert (
        answer.error == f"There is no connection to 127.0.0.1 at port {port}: connection refused."
    )
    assert not answer.is_refused


@pytest.mark.parametrize("text", [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_said(text):
    with raw_server(says(text, keeps=False)) as server:
        answer = ask(server.url)

    assert answer.error == f"What 127.0.0.1 answered at port {server.port} is no HTTP."
    assert answer.status is None


def test_a_head_without_an_end_is_no_http():
    def answer(connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            connection.sendall(f"X-{number}: {'x' * 1000}\r\n".encode())
        return False

    with raw_server(answer) as server:
        answer = ask(server.url)

    assert (answer.status, bool(answer.error)) == (None, True)


def test_a_name_that_does_not_exist_is_said(name_server):
    answer = ask("http://crm.example.com/")

    assert answer.error == "The name crm.example.com leads nowhere. Is it spelled correctly?"
    assert not answer.is_refused


@pytest.fixture
def silence(monkeypatch):
    """While it lasts, nobody hears where names below dead.example.com lead to."""
    ends, system = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host, *rest, **named):
        if host.endswith("dead.example.com"):
            ends.wait(20)
        return system("127.0.0.1", *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield ends
    ends.set()


def test_a_name_server_that_is_silent_is_given_up(short, silence):
    answer = ask("http://crm.dead.example.com/")

    assert answer.error == "crm.dead.example.com did not answer within 1 seconds."


def test_a_name_server_that_is_silent_about_many_names_holds_nobody(silence):
    async def ask_at_once(port):
        async with Client() as client:
            urls = [f"http://{number}.dead.example.com:{port}/" for number in range(100)]
            dead = [asyncio.create_task(client.ask(Request("POST", url, {}, b""))) for url in urls]
            await asyncio.sleep(0.1)
            alive = await client.ask(Request("POST", f"http://crm.example.com:{port}/", {}, b""))
            silence.set()
            return alive, await asyncio.gather(*dead)

    with raw_server() as server:
        alive, dead = run_in_loop(ask_at_once(server.port))

    assert alive.status == 200
    assert {one.status for one in dead} == {200}


def test_a_request_that_is_cancelled_ends():
    held = threading.Event()

    async def cancel(url):
        async with Client() as client:
            task = asyncio.create_task(client.ask(Request("POST", url, {}, b"{}")))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.wait([task], timeout=5)
            return task.cancelled()

    with raw_server(lambda connection, head: held.wait(10)) as server:
        assert run_in_loop(cancel(server.url))
        held.set()


@pytest.fixture
def authority(monkeypatch, tmp_path):
    """A certificate authority that the system knows."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def context_for(authority, name, asked_for=None):
    """What a server of this name has; the names that clients ask for are added to `asked_for`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    if asked_for is not None:
        context.sni_callback = lambda connection, name, _: asked_for.append(name)
    return context


def test_the_certificate_of_the_name_is_taken(authority, name_server):
    name_server.leads["crm.example.com"] = [["127.0.0.1"]]
    asked_for = []

    with raw_server(context=context_for(authority, "crm.example.com", asked_for)) as server:
        urls = [
            f"https://{host}:{server.port}/" for host in ("crm.example.com", "CRM.Example.com.")
        ]
        answers = ask_all([Request("POST", url, {}, b"{}") for url in urls])

    assert [answer.status for answer in answers] == [200, 200]
    assert asked_for == ["crm.example.com", "crm.example.com"]


def test_the_certificate_of_another_name_is_refused(authority, name_server):
    name_server.leads["crm.example.com"] = [["127.0.0.1"]]

    with raw_server(context=context_for(authority, "shop.example.com")) as server:
        answer = ask(f"https://crm.example.com:{server.port}/")

    assert (answer.status, server.heads) == (None, [])
    assert answer.error.startswith("The certificate of crm.example.com is not valid: Hostname")


def test_the_certificate_of_an_unknown_authority_is_refused(authority):
    with raw_server(context=context_for(trustme.CA(), "127.0.0.1")) as server:
        answer = ask(server.url)

    assert (answer.status, server.heads) == (None, [])
    assert answer.error.startswith("The certificate of 127.0.0.1 is not valid: ")


def test_plain_http_is_no_tls(authority):
    with raw_server(greeting=answer_of(status="400 Bad Request")) as server:
        answer = ask(f"https://127.0.0.1:{server.port}/")

    assert answer.error == (
        f"There is no TLS connection to 127.0.0.1 at port {server.port}. Does it speak HTTPS there?"
    )
