"""What a connection may do: come in pieces, ask in advance, end early, ask for its end."""

import json
import re
import socket
import time

import pytest

from tests.config.echoing import CHUNKED, GET, Answer, Echo


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX: \xe9\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /\xc3\xa4 HTTP/1.1\r\nX: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["length", "chunks", "upgrade"],
)
def test_request_may_be_split_anywhere(web, request_):
    whole = web.ask(request_).said
    with web.connect() as client:
        for position in range(1, len(request_)):
            client.sendall(request_[:position])
            time.sleep(0.002)
            client.sendall(request_[position:])

            assert Answer(client).said == whole, position
        for byte in request_:
            client.sendall(bytes([byte]))
            time.sleep(0.001)
        assert Answer(client).said == whole
    assert whole["body"] == "hello"


def test_pipelined_requests_are_answered_in_order(web):
    requests = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(2_000)]
    body = b"POST /wait/0.2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b" " * 100_000
    with web.connect() as client:
        client.sendall(b"".join([body, *requests, body]))
        with client.makefile("rb") as stream:
            paths = []
            for _ in range(len(requests) + 2):
                length = 0
                while (line := stream.readline()) != b"\r\n":
                    if line.startswith(b"content-length"):
                        length = int(line.split()[1])
                paths.append(json.loads(stream.read(length))["path"])

    assert paths == ["/wait/0.2", *(f"/{number}" for number in range(2_000)), "/wait/0.2"]


def test_wrong_request_is_refused_after_the_answers_before_it(web):
    with web.connect() as client:
        client.sendall(b"GET /wait/0.3 HTTP/1.1\r\n\r\n" + GET + b"NONSENSE\r\n\r\n")
        with client.makefile("rb") as stream:
            answers = stream.read()

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"400"]


def test_bytes_beyond_ascii_arrive(web):
    said = web.ask(
        b"GET /caf\xc3\xa9?q=\xc3\xa9 HTTP/1.1\r\nCookie: a=\xe9\r\nCookie: b=\xc3\xa9\r\n\r\n"
    ).said

    assert (said["path"], said["query"]) == ("/café", "q=%C3%A9")
    assert said["headers"] == [["cookie", "a=\xe9"], ["cookie", "b=\xc3\xa9"]]


def test_http_1_0_is_answered_with_and_without_keeping_the_connection(web):
    with web.connect() as client:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert Answer(client).headers["connection"] == "keep-alive"
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert Answer(client).headers["connection"] == "close"
        assert client.recv(10) == b""


def test_connection_is_closed_if_the_client_wants_that(web):
    with web.connect() as client:
        client.sendall(GET)
        Answer(client)
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

        assert Answer(client).headers["connection"] == "close"
        assert client.recv(10) == b""


def test_client_that_asks_before_it_sends_a_body_is_told_to_go_on(web):
    with web.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")

        assert Answer(client).said["body"] == "hello"


@pytest.mark.parametrize("path", [b"/", b"/wait/0.5"])
def test_client_that_sends_no_more_gets_its_answer(web, path):
    with web.connect() as client:
        client.sendall(b"GET %s HTTP/1.1\r\n\r\n" % path)
        client.shutdown(socket.SHUT_WR)

        assert Answer(client).status == 200
        assert client.recv(10) == b""


def test_client_that_ends_its_body_early_is_told_so(web):
    start = b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n"
    for body in (b"", b"{", b" " * 499):
        with web.connect() as client:
            client.sendall(start + body)
            client.shutdown(socket.SHUT_WR)

            answer = Answer(client)
            assert (answer.status, answer.headers["connection"]) == (400, "close")
            assert client.recv(10) == b""
    with web.connect() as client:
        client.sendall(CHUNKED + b"4\r\nab")
        client.shutdown(socket.SHUT_WR)

        assert Answer(client).status == 400
    assert web.output == ""


def test_client_that_ends_early_gets_the_answers_before_it(web):
    with web.connect() as client:
        client.sendall(b"GET /wait/0.3 HTTP/1.1\r\n\r\n" + GET)
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n{")
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as stream:
            answers = stream.read()

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"400"]


def test_connection_whose_client_ends_in_a_head_is_closed(web):
    with web.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.shutdown(socket.SHUT_WR)

        assert client.recv(10) == b""


def test_head_is_answered_without_a_body(web):
    with web.connect() as client:
        for _ in range(2):
            client.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
            answer = Answer(client, method="HEAD")

            assert (answer.status, answer.body) == (200, b"")
            assert int(answer.headers["content-length"]) > 0


def test_process_that_is_told_to_end_answers_what_was_begun(tmp_path):
    with Echo(tmp_path / "web") as web, web.connected(4) as clients:
        idle, waiting, in_headers, in_body = clients
        idle.sendall(GET)
        Answer(idle)
        waiting.sendall(b"GET /wait/4 HTTP/1.1\r\n\r\n")
        in_headers.sendall(b"GET / HTTP/1.1\r\n")
        in_body.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe")
        web.ask(GET)  # by then, it has read what came before

        web._process.terminate()
        started_at = time.monotonic()
        assert idle.recv(10) == b""
        with pytest.raises(ConnectionRefusedError):
            web.ask()
        in_headers.sendall(b"\r\n")
        in_body.sendall(b"llo")
        answers = [Answer(client) for client in (waiting, in_headers, in_body)]
        status = web.wait()

    assert [(one.status, one.headers["connection"]) for one in answers] == [(200, "close")] * 3
    assert (status, web.output) == (0, "")
    assert 1.5 < time.monotonic() - started_at < 8


def test_process_that_is_told_to_end_waits_for_nobody_longer_than_ten_seconds(tmp_path):
    with Echo(tmp_path / "web") as web, web.connected(2) as clients:
        clients[0].sendall(b"GET /wait/60 HTTP/1.1\r\n\r\n")
        clients[1].sendall(b"GET / HTTP/1.1\r\n")
        web.ask(GET)  # by then, it has read what came before
        started_at = time.monotonic()

        web.stop()

    # Ten seconds, and what a busy machine adds to them.
    assert 7 < time.monotonic() - started_at < 20
