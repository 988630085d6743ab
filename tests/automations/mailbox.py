"""A mail server for tests: a real one, which takes, puts off, refuses, is slow or hangs up."""

import asyncio
import email
import email.policy
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.config.hub import free_port, wait_until

# What the mail server does instead of saying something.
HANGS_UP = "hangs up"  # before the email is its own
KEEPS_AND_HANGS_UP = "keeps and hangs up"
TAKES_AND_HANGS_UP = "takes and hangs up"  # after its 250
KEEPS_AND_IS_SILENT = "keeps and is silent"
TAKEN = "250 2.0.0 OK"


@dataclass
class Received:
    """An email that the mail server has."""

    sender: str
    to: list[str]
    raw: bytes

    @cached_property
    def message(self):
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def id(self):
        return self.message["Message-ID"].strip().strip("<>")

    @property
    def html(self):
        return self.message.get_body(("html",)).get_content()

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()


class Mailbox:
    """A mail server, and what it has got.

    `on_connect`, `on_sender`, `on_recipient` and `on_data` are what it says or does the next times,
    or functions that are called and say so; afterwards it takes everything. `offers` are further
    extensions that it names. `sent_ahead` has, for each sender that it was told, how many commands
    had come by then without waiting for its reply. If it `is_lax`, it goes along after it has
    refused a sender or a recipient, and `unwanted` has the messages that it then gets for nobody.
    """

    def __init__(self, port=None):
        self.port = port or free_port()
        self.received = []
        self.connections = 0
        self.on_connect, self.on_recipient, self.on_data = deque(), deque(), deque()
        self.on_sender = deque()
        self.offers, self.sent_ahead = [], []
        self.is_lax, self.unwanted = False, []
        self._controller = None

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def count_by_id(self):
        """How often it has each email, by Message-ID."""
        return Counter(one.id for one in self.received)

    def wait_for(self, count, seconds=60):
        """The emails, when there are so many."""
        wait_until(lambda: len(self.received) >= count, seconds=seconds)
        return self.received

    def start(self):
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        self.connections = 0  # aiosmtpd itself has looked whether it answers

    def stop(self):
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    # What aiosmtpd calls.

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [*responses[:-1], *(f"250-{name}" for name in self.offers), responses[-1]]

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.sent_ahead.append(bytes(server._reader._buffer).count(b"\r\n"))
        says = _next(self.on_sender, "250 OK")
        if says == HANGS_UP:
            server.transport.abort()
        elif says.startswith("250") or self.is_lax:
            envelope.mail_from = address
        return says

    async def handle_RCPT(self, server, session, envelope, address, options):
        says = _next(self.on_recipient, "250 OK")
        if says == HANGS_UP:
            server.transport.abort()
        elif says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return says

    async def handle_DATA(self, server, session, envelope):
        says = _next(self.on_data, TAKEN)
        if isinstance(says, float):
            await asyncio.sleep(says)
            says = TAKEN
        if says in (TAKEN, TAKES_AND_HANGS_UP, KEEPS_AND_HANGS_UP, KEEPS_AND_IS_SILENT):
            self.received.append(
                Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.content)
            )
        if says == KEEPS_AND_IS_SILENT:
            await asyncio.sleep(3600)
        if says in (HANGS_UP, KEEPS_AND_HANGS_UP):
            server.transport.abort()
        if says == TAKES_AND_HANGS_UP:
            server.hangs_up, says = True, TAKEN
        return says


def _next(script, otherwise):
    says = script.popleft() if script else otherwise
    return says() if callable(says) else says


class _Server(SMTP):
    hangs_up = False

    async def push(self, status):
        await super().push(status)
        if self.hangs_up:  # before it gets to know of any further email
            self.transport.close()

    def connection_made(self, transport):
        mailbox = self.event_handler
        mailbox.connections += 1
        if _next(mailbox.on_connect, "") == HANGS_UP:
            transport.abort()
        super().connection_made(transport)

    async def smtp_DATA(self, arg):
        mailbox = self.event_handler
        if not mailbox.is_lax or self.envelope.rcpt_tos:
            await super().smtp_DATA(arg)
            return
        await self.push("354 Go on")
        lines = []
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line)
        mailbox.unwanted.append(b"".join(lines))
        await self.push("554 5.5.1 No valid recipients")


class _Controller(Controller):
    def factory(self):
        return _Server(self.handler, **self.SMTP_kwargs)


@contextmanager
def mail_server(port=None):
    """A mail server that runs until the block is left."""
    mailbox = Mailbox(port)
    mailbox.start()
    try:
        yield mailbox
    finally:
        mailbox.stop()


@pytest.fixture
def mailbox(settings):
    """A mail server to which the hub of the test sends."""
    with mail_server() as mailbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailbox.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.DEFAULT_FROM_EMAIL = "Alder Bank <hub@alder.example>"
        yield mailbox
