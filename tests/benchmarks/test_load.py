"""The load generator, against a server that says what it was asked."""

import re
import threading
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.hub import BenchmarkFailed
from benchmarks.load import drive, pace, percentile
from benchmarks.posts import FRESH, Post
from benchmarks.scenarios import Scenario


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise an answer's body waits for the acknowledgement of its head.
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body.decode())
        if b"leave" in body:
            self.close_connection = True
            return
        time.sleep(self.server.delay)
        answer = b"refused" if b"refuse" in body else b"taken"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextmanager
def server(delay=0.0):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.bodies, running.delay = [], delay
        thread = threading.Thread(target=running.serve_forever, args=[0.02])
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


def scenario(*bodies):
    return Scenario(
        name="test",
        rows=1,
        requests=[Post("/", {"Host": "test"}, body) for body in bodies],
        count=lambda status, body: 1 if status == 200 and body == b"taken" else 0,
        connections=4,
    )


def test_drive_keeps_connections_busy_and_counts_every_answer():
    with server() as running:
        load = drive(scenario("one", "two"), running.server_port, 0.2)

    assert load.requests == load.acknowledged == len(load.latencies) == len(running.bodies)
    assert load.requests > 10
    assert load.refusal == ""
    assert load.seconds >= 0.2
    assert abs(running.bodies.count("one") - running.bodies.count("two")) <= 1


def test_pace_keeps_to_the_rate():
    with server() as running:
        load = pace(scenario("one"), running.server_port, 0.5, rate=100)

    assert load.requests == load.acknowledged == len(running.bodies) == 50


def test_pace_counts_the_time_in_which_no_connection_was_free():
    with server(delay=0.1) as running:
        load = pace(scenario("one"), running.server_port, 0.1, rate=120)

    # Twelve requests over four connections: the last ones have waited for two others.
    assert load.requests == 12
    assert min(load.latencies) >= 0.09
    assert max(load.latencies) >= 0.2


def test_an_answer_that_acknowledges_too_little_is_kept():
    with server() as running:
        load = drive(scenario("refuse"), running.server_port, 0.05)

    assert load.acknowledged == 0 < load.requests
    assert load.refusal == "200 refused"


def test_a_lost_connection_ends_the_run():
    with server() as running, pytest.raises(BenchmarkFailed, match="closed a connection"):
        drive(scenario("leave"), running.server_port, 0.05)


def test_posts_have_ids_that_are_new_each_time():
    post = Post("/", {}, f"é {FRESH}000000000001 {FRESH}000000000002")

    heads, bodies = zip(*(post.render().split(b"\r\n\r\n") for _ in range(2)), strict=True)

    ids = [uuid.UUID(found) for body in bodies for found in re.findall(r"\S{36}", body.decode())]
    assert len(set(ids)) == 4
    assert {found.version for found in ids} == {4}
    assert heads[0].endswith(b"Content-Length: %d" % len(bodies[0]))


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (75, 3), (99, 4), (100, 4)])
def test_percentile_is_the_nearest_rank(percent, expected):
    assert percentile([4, 1, 3, 2], percent) == expected
