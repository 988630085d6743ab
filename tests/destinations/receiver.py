"""Another system: a real HTTP server that notes what it gets, and answers as a test wants."""

import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Got(NamedTuple):
    """A request, by its `webhook-id`."""

    message_id: str
    body: bytes
    at: float


class Receiver:
    """A receiver that is up. `answers` is called with each request, and returns status, headers
    and text, or None to hang up.
    """

    def __init__(self, answers=None, *, port=0):
        self.answers = answers or taken
        self.got = []
        self.is_closed = threading.Event()
        self._mutex = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.receiver = self
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])
        self._thread.start()

    @property
    def ids(self):
        """The ids of messages in the order in which they came."""
        return [one.message_id for one in self.got]

    @property
    def times(self):
        """How often each message came."""
        return Counter(self.ids)

    def note(self, message_id, body):
        with self._mutex:
            self.got.append(Got(message_id, body, time.monotonic()))

    def close(self):
        self.is_closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Says nothing: clients hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer that is written in two pieces would wait for the client to acknowledge the first.
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.server.receiver
        receiver.note(self.headers["webhook-id"], body)
        answer = receiver.answers(receiver.got[-1])
        if answer is None:
            self.close_connection = True
            return
        status, headers, text = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Says nothing."""


def taken(got):
    return 200, {}, b"ok"


def says(status, text=b"", **headers):
    """Always this answer; of a header's name the hyphens are underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda got: (status, named, text)


def in_turn(*answers):
    """These answers one after the other, and then the last one again and again."""
    left = list(answers)
    return lambda got: (left.pop(0) if len(left) > 1 else left[0])(got)


def after(seconds, answer=taken):
    """This answer after so many seconds."""

    def answers(got):
        time.sleep(seconds)
        return answer(got)

    return answers


def hangs(receiver):
    """No answer, as long as the receiver is there."""

    def answers(got):
        receiver.is_closed.wait(60)

    return answers


@contextmanager
def receiver(answers=None, **named):
    """A receiver, closed when the block is left."""
    one = Receiver(answers, **named)
    try:
        yield one
    finally:
        one.close()
