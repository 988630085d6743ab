"""What clients can take of a web process is bounded: a real one, on real connections."""

import json
import re
import resource
import socket
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.config.echo import LARGE
from tests.config.hub import Web, wait_until

pytestmark = pytest.mark.timeout(300)

MEGABYTE = 1_000_000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Echo(Web):
    """A web process that says what reached it, with other limits if they are given."""

    def __init__(self, home, **limits):
        super().__init__(home, LIMITS=json.dumps(limits))
        self._command = [sys.executable, "-m", "tests.config.echo"]

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return closing(client)

    @contextmanager
    def connected(self, number):
        """So many connections at once."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.connect()) for _ in range(number)]

    def ask(self, *pieces):
        """The answer to a request that is sent in pieces."""
        with self.connect() as client:
            for piece in pieces:
                client.sendall(piece)
            return Answer(client)

    def seconds_to_answer(self):
        started_at = time.monotonic()
        assert self.ask(GET).status == 200
        return time.monotonic() - started_at

    def forget_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def peak(self):
        """The most memory that the process has had, in megabytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    @property
    def files(self):
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


class Answer:
    """One answer, read from a connection."""

    def __init__(self, client, method=None):
        with closing(HTTPResponse(client, method=method)) as response:
            response.begin()
            self.status, self.headers = response.status, dict(response.getheaders())
            self.body = response.read()

    @property
    def said(self):
        return json.loads(self.body)


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A web process with the limits that it has."""
    with Echo(tmp_path_factory.mktemp("bounds") / "web") as web:
        yield web


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A web process that waits for two seconds at most."""
    names = ("head_seconds", "idle_seconds", "stalled_seconds", "body_seconds")
    home = tmp_path_factory.mktemp("bounds") / "impatient"
    with Echo(home, **dict.fromkeys(names, 2)) as web:
        yield web


def trickle(clients, start, seconds):
    """Send `start` and then a byte a second, as long as the server listens."""
    for client in clients:
        client.sendall(start)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for client in clients:
            try:
                client.send(b"x")
            except OSError:  # it was closed
                continue
        yield
        time.sleep(1)


def flood(client, start, piece, most):
    """Send `start` and then `piece` again and again; how many bytes went out."""
    sent = 0
    try:
        client.sendall(start)
        while sent < most:
            client.sendall(piece)
            sent += len(piece)
    except OSError:  # it was closed
        pass
    return sent


@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"],
    ids=["headers", "body"],
)
def test_200_clients_that_send_a_byte_a_second_are_given_up(impatient, start):
    impatient.forget_peak()
    before = impatient.peak
    with impatient.connected(200) as clients:
        for _ in trickle(clients, start, seconds=4):
            assert impatient.seconds_to_answer() < 1

        assert {Answer(client).status for client in clients} == {408}
    assert impatient.peak - before < 20
    assert impatient.output == ""


def test_connection_that_says_nothing_is_closed(impatient):
    with impatient.connect() as silent, impatient.connect() as used:
        used.sendall(GET)
        assert Answer(used).status == 200
        started_at = time.monotonic()

        assert (silent.recv(10), used.recv(10)) == (b"", b"")
    assert 1 < time.monotonic() - started_at < 6


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: ", b"x" * 10_000, 431),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 1_000, 431),
        (b"GET /", b"x" * 10_000, 431),
        (CHUNKED + b"1;", b"x" * 10_000, 400),
        (CHUNKED + b"0\r\nX: ", b"x" * 10_000, 400),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 1_000, 400),
    ],
    ids=["header", "headers", "URL", "chunk-extension", "trailer", "trailers"],
)
def test_what_has_no_end_is_refused(web, start, piece, status):
    web.forget_peak()
    before = web.peak
    with web.connected(10) as clients:
        for client in clients:
            flood(client, start, piece, most=10 * MEGABYTE)

            assert Answer(client).status == status
    assert web.peak - before < 20
    assert web.output == ""


@pytest.mark.parametrize(
    ("request_", "status", "code", "detail"),
    [
        (
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300 + b"\r\n",
            431,
            "headers_too_large",
            "more than 200.",
        ),
        (b"\x16\x03\x01\x02\x00", 400, "not_http", "HTTPS"),
    ],
    ids=["headers", "TLS"],
)
def test_refusals_say_what_was_wrong_and_what_to_do(web, request_, status, code, detail):
    answer = web.ask(request_)

    problem = answer.said
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["request-id"] == problem["requestId"]
    assert detail in problem["detail"]


def test_many_headers_are_as_welcome_as_long_ones(web):
    many = b"".join(b"X-%d: y\r\n" % number for number in range(190))
    long = b"X: " + b"y" * 50_000 + b"\r\n"

    for headers in (many, long):
        answer = web.ask(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")

        assert (answer.status, len(answer.said["headers"])) == (200, 1 + headers.count(b"\n"))


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with-length", "chunked"])
def test_large_bodies_at_once_are_read_and_memory_stays_small(web, is_chunked):
    web.forget_peak()
    before = web.peak
    length = 40 * MEGABYTE
    piece = b"f4240\r\n" + b" " * MEGABYTE + b"\r\n" if is_chunked else b" " * MEGABYTE
    start = CHUNKED if is_chunked else b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length
    with web.connected(5) as clients:
        for client in clients:
            client.sendall(start)
        for _ in range(length // MEGABYTE):
            for client in clients:
                client.sendall(piece)
        for client in clients:
            client.sendall(b"0\r\n\r\n" if is_chunked else b"")

        # This is what is read of a body that is too large.
        answers = [Answer(client).said["body"] for client in clients]
    assert answers == [MEGABYTE * 10 + 1] * 5
    # The application here has a body of ten megabytes in memory, one at a time.
    assert web.peak - before < 60


def test_10000_idle_connections_keep_nobody_from_being_answered(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(10_000, int(hard * 0.7))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        # On a slow machine it takes longer to make them all than idle ones may stay.
        with Echo(tmp_path / "web", head_seconds=200, idle_seconds=200) as web:
            web.forget_peak()
            before, files = web.peak, web.files
            with web.connected(number):
                wait_until(lambda: web.files >= files + number, seconds=100)

                assert max(web.seconds_to_answer() for _ in range(10)) < 1
                assert web.peak - before < number * 0.02
            wait_until(lambda: web.files < files + 10, seconds=60)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_connections_than_allowed_are_told_to_come_again(tmp_path):
    with Echo(tmp_path / "web", connections=20) as web:
        with web.connected(20):
            refused = web.ask()
        wait_until(lambda: web.ask(GET).status == 200)

    assert (refused.status, refused.headers["retry-after"]) == (503, "5")


def test_requests_that_take_too_much_memory_together_are_told_to_come_again(tmp_path):
    start = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200001\r\n\r\n" + b" " * 200_000
    with Echo(tmp_path / "web", load_bytes=4 * MEGABYTE) as web:
        with web.connected(40) as clients:
            statuses = []
            for client in clients:
                client.sendall(start)
                client.settimeout(0.1)
                try:
                    refused = Answer(client)
                    statuses.append((refused.status, refused.headers["retry-after"]))
                except TimeoutError:
                    client.settimeout(20)
                    client.sendall(b" ")
                    statuses.append(Answer(client).status)
            assert statuses == [200] * 40

            waiting = clients[:30]
            for client in waiting:
                client.settimeout(20)
                client.sendall(start)
            refused = [Answer(client) for client in waiting[20:]]

        assert {(one.status, one.headers["retry-after"]) for one in refused} == {(503, "5")}
        assert web.ask(GET).status == 200


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


def test_requests_whose_answers_nobody_reads_are_not_taken(impatient):
    impatient.forget_peak()
    before, files = impatient.peak, impatient.files
    with impatient.connected(5) as clients:
        for client in clients:
            client.settimeout(1)
            assert flood(client, b"", GET * 1_000, most=50 * MEGABYTE) < 40 * MEGABYTE
        wait_until(lambda: impatient.files == files, seconds=20)
    assert impatient.peak - before < 60


def test_client_that_takes_nothing_of_a_large_answer_is_given_up(impatient):
    files = impatient.files
    with impatient.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        wait_until(lambda: impatient.files > files)
        wait_until(lambda: impatient.files == files, seconds=10)


def test_client_that_takes_its_time_gets_all_of_a_large_answer(impatient):
    read = 0
    with impatient.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        for _ in range(5):
            time.sleep(1)
            for _ in range(30):
                read += len(client.recv(100_000))
        while read < LARGE:
            read += len(client.recv(100_000))

    assert read > LARGE


@pytest.mark.parametrize(
    "nonsense",
    [
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHUNKED + b"nonsense\r\n",
    ],
)
def test_nonsense_is_refused_without_a_line_in_the_log(web, nonsense):
    answer = web.ask(nonsense)

    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert web.output == ""


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
        waiting.sendall(b"GET /wait/2 HTTP/1.1\r\n\r\n")
        in_headers.sendall(b"GET / HTTP/1.1\r\n")
        in_body.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe")
        time.sleep(0.3)

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
    assert 1.5 < time.monotonic() - started_at < 5


def test_process_that_is_told_to_end_waits_for_nobody_longer_than_ten_seconds(tmp_path):
    with Echo(tmp_path / "web") as web, web.connected(2) as clients:
        clients[0].sendall(b"GET /wait/60 HTTP/1.1\r\n\r\n")
        clients[1].sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.3)
        started_at = time.monotonic()

        web.stop()

    assert 7 < time.monotonic() - started_at < 10
