"""Websites on domains of their own, over HTTPS, with the hub behind the main one."""

import io
import json
import re
import socketserver
import ssl
import threading
import time
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import trustme
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

from tests.browser.waiting import wait_until


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 50

    def __init__(self, application, context):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.set_app(application)

    def finish_request(self, request, client_address):
        # In the thread of the request: a browser may open a connection and say nothing.
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except (ssl.SSLError, OSError):
            pass  # the browser went away

    def shutdown_request(self, request):
        self.close_request(request)

    def handle_error(self, request, client_address):
        pass


class _Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Websites:
    """Serves `pages` by their host and path; every other path of a host in `hubs` is the hub's.

    `port` is where all of them are: a browser is told to look for every host there.
    """

    def __init__(self):
        self.forget()
        self._lock, self._answering = threading.Lock(), 0
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("*.example", "main.example").configure_cert(context)
        self._server = _Server(self._answer, context)
        self._hub = StaticFilesHandler(get_wsgi_application())
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def forget(self):
        """Serve nothing any more."""
        self.pages = {}
        self.hubs = set()
        self.headers = {}
        # What the hub was asked for: methods, paths and bodies, in order.
        self.asked = []
        # The pages that were opened, and what for if the browser said so: hosts, paths, purposes.
        self.opened = []
        # Paths that the hub does not answer.
        self.unreachable = re.compile("(?!)")
        # Paths that the hub answers late, and by how many seconds.
        self.slow, self.delay = re.compile("(?!)"), 0
        # Paths that the hub answers when something has happened.
        self._held, self._happened = re.compile("(?!)"), threading.Event()

    @contextmanager
    def holding(self, path):
        """Requests for the pattern `path` are not answered before the block is left."""
        self._held = re.compile(path)
        try:
            yield
        finally:
            self._happened.set()

    def wait_until_idle(self):
        """Wait until every request is answered."""
        wait_until(lambda: self._answering == 0)

    def bodies(self, command):
        """What the hub was sent for `command` of the tracker, in order."""
        path = f"/Kentico.CrossSiteTracking/{command}"
        return [json.loads(body) for method, at, body in self.asked if at == path]

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ, start_response):
        self._count(1)
        try:
            yield from self._find_answer(environ, start_response)
        finally:
            self._count(-1)

    def _count(self, change):
        with self._lock:
            self._answering += change

    def _find_answer(self, environ, start_response):
        host, path = environ["HTTP_HOST"], environ["PATH_INFO"]
        page = self.pages.get((host, path))
        if page is not None:
            self.opened.append((host, path, environ.get("HTTP_SEC_PURPOSE", "")))
            headers = [("Content-Type", "text/html; charset=utf-8"), *self.headers.get(host, [])]
            start_response("200 OK", headers)
            return [page.encode()]
        if host in self.hubs and not self.unreachable.search(path):
            return self._ask_hub(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"There is no such page."]

    def _ask_hub(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], body))
        if self._held.search(environ["PATH_INFO"]):
            self._happened.wait()
        if self.slow.search(environ["PATH_INFO"]):
            time.sleep(self.delay)
        hub = {**environ, "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(body)}
        answer = self._hub(hub, start_response)
        try:
            return list(answer)
        finally:
            answer.close()
