"""What clients can take of a web process is bounded: a real one, on real connections."""

import resource
import time

import pytest

from tests.config.echo import LARGE
from tests.config.echoing import CHUNKED, GET, Answer, Echo
from tests.config.hub import wait_until

MEGABYTE = 1_000_000


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
            wait_until(lambda: web.files < files + 10)
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


def test_requests_whose_answers_nobody_reads_are_not_taken(impatient):
    impatient.forget_peak()
    before, files = impatient.peak, impatient.files
    with impatient.connected(5) as clients:
        for client in clients:
            client.settimeout(1)
            assert flood(client, b"", GET * 1_000, most=50 * MEGABYTE) < 40 * MEGABYTE
        wait_until(lambda: impatient.files == files)
    assert impatient.peak - before < 60


def test_client_that_takes_nothing_of_a_large_answer_is_given_up(impatient):
    files = impatient.files
    with impatient.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        wait_until(lambda: impatient.files > files)
        wait_until(lambda: impatient.files == files)


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
