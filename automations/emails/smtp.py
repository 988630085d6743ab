"""Handing emails over to a mail server, with the instant known from which it may have one."""

import smtplib
import socket
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

from automations.emails.addresses import address_in, ascii_address
from automations.emails.handing_over import CannotConnect, Outcome, Result
from automations.emails.messages import HubMessage
from automations.emails.mime import bytes_of
from automations.emails.severity import Severity, enhanced_code, severity_of, without_addresses

# A mail server looks for viruses before it answers: then it may take so many times EMAIL_TIMEOUT.
PATIENCE = 6
_SERVICE_ENDS = 421
# It is about the hub's login, not about the email.
_LOGIN_NEEDED = (530, 534, 535, 538)
_NO_SUCH_ADDRESS = (550, 551, 553)
# How the replies to MAIL, RCPT and DATA begin if the mail server goes along.
_AWAITED = (2, 2, 3)


class SmtpLine:
    """A connection to the mail server of a backend's settings."""

    def __init__(self, backend: EmailBackend):
        self._backend = backend
        self._connection: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, unless it is connected.

        :raises CannotConnect: if the mail server is away, or refuses the login
        """
        if self._connection is not None and self._connection.sock is not None:
            return
        self._connection = None
        try:
            self._connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise CannotConnect(_why(error)) from error

    def hand_over(self, message: HubMessage) -> Outcome:
        """Hand over one email. After a broken connection, `open` has to be called again."""
        try:
            sender = ascii_address(settings.BOUNCE_ADDRESS or address_in(message.from_email))
            data = _dotted(bytes_of(message))
        except ValueError as error:  # such as a text with half a character of UTF-16
            return Outcome(Result.REFUSED, f"No message can be made of it: {type(error).__name__}")
        try:
            refusal = self._announce(sender, message.to[0], len(data))
            if refusal is not None:
                return refusal
            self._smtp.send(data)
            # If these three bytes cannot be sent, the mail server has no whole message.
            self._smtp.send(b".\r\n")
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(Result.BROKE_BEFORE, _why(error))
        return self._read_answer()

    def close(self) -> None:
        """Take leave of the mail server."""
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
        self._drop()

    def _connect(self) -> smtplib.SMTP:
        """As Django's backend does, which first looks up this machine's name for seconds."""
        backend: Any = self._backend
        context = {"context": backend.ssl_context} if backend.use_ssl else {}
        connection = backend.connection_class(
            backend.host,
            backend.port,
            local_hostname=_own_name(),
            timeout=backend.timeout,
            **context,
        )
        try:
            if backend.use_tls:
                connection.starttls(context=backend.ssl_context)
            if backend.username and backend.password:
                connection.login(backend.username, backend.password)
            connection.ehlo_or_helo_if_needed()
            # The end of a message is a packet of its own, which must not wait for an answer.
            assert connection.sock is not None
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, smtplib.SMTPException):
            connection.close()
            raise
        return connection

    @property
    def _smtp(self) -> smtplib.SMTP:
        assert self._connection is not None
        return self._connection

    def _announce(self, sender: str, recipient: str, size: int) -> Outcome | None:
        """Say from whom and to whom; None if the mail server waits for more, else its refusal."""
        options = " BODY=8BITMIME" if self._smtp.has_extn("8bitmime") else ""
        if self._smtp.has_extn("size"):
            options += f" SIZE={size}"
        commands = [
            f"MAIL FROM:{smtplib.quoteaddr(sender)}{options}",
            f"RCPT TO:{smtplib.quoteaddr(recipient)}",
            "DATA",
        ]
        is_group = self._smtp.has_extn("pipelining")
        if is_group:
            self._smtp.send("".join(f"{command}\r\n" for command in commands))
        for number, (command, awaited) in enumerate(zip(commands, _AWAITED, strict=True)):
            code, text = self._smtp.getreply() if is_group else self._smtp.docmd(command)
            if code // 100 != awaited:
                if is_group:
                    self._end_group(replies=len(commands) - number - 1)
                return self._refusal(code, text, about_address=number == 1)
        return None

    def _end_group(self, replies: int) -> None:
        """Take the replies that are still to come after a refused command of a group.

        A mail server may wait for the message although it has refused its recipient. It then gets
        none: a dot alone (RFC 2920, 3.1). If it has refused the sender, and taken the recipient,
        that would be an empty email to them, so the connection ends instead.
        """
        try:
            codes = [self._smtp.getreply()[0] for _ in range(replies)]
            *before, last = codes or [0]
            if last // 100 != _AWAITED[-1]:
                return
            if any(code // 100 == 2 for code in before):
                self._drop()
            else:
                self._smtp.docmd(".")
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _read_answer(self) -> Outcome:
        """What the mail server says after the end of the message: from there on it may have it."""
        try:
            assert self._smtp.sock is not None
            self._smtp.sock.settimeout(settings.EMAIL_TIMEOUT * PATIENCE)
            code, text = self._smtp.getreply()
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(settings.EMAIL_TIMEOUT)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(Result.UNCERTAIN, _why(error))
        if code // 100 == 2:
            return Outcome(Result.SENT)
        return self._refusal(code, text, is_over=True)

    def _refusal(
        self, code: int, text: bytes, *, about_address: bool = False, is_over: bool = False
    ) -> Outcome:
        said = text.decode("utf-8", "replace")
        detail = without_addresses(f"{code} {said}")
        if code == _SERVICE_ENDS or code < 400:  # it goes, or talks nonsense
            self._drop()
            return Outcome(Result.PUT_OFF if is_over else Result.BROKE_BEFORE, detail)
        if not is_over:
            self._reset()
        if code < 500 or code in _LOGIN_NEEDED:
            return Outcome(Result.PUT_OFF, detail)
        return Outcome(Result.REFUSED, detail, _severity(code, said, about_address))

    def _reset(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None


def _own_name() -> str:
    """What the hub calls itself to mail servers: a name of DNS, else an address."""
    name = urlsplit(settings.PUBLIC_URL).hostname or ""
    return name if "." in name and not name[-1].isdigit() else "[127.0.0.1]"


def _severity(code: int, said: str, about_address: bool) -> Severity | str:
    if about_address and (enhanced := enhanced_code(said)):
        return severity_of(enhanced)
    if about_address:
        return Severity.HARD if code in _NO_SUCH_ADDRESS else Severity.SOFT
    return ""


def _dotted(data: bytes) -> bytes:
    """`data` as it stands between DATA and the line with the dot (RFC 5321, 4.5.2).

    All its lines end with CRLF already.
    """
    lines = data if data.endswith(b"\r\n") else data + b"\r\n"
    dotted = lines.replace(b"\r\n.", b"\r\n..")
    return b"." + dotted if dotted.startswith(b".") else dotted


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "The mail server refuses the user or the password in EMAIL_URL."
    if isinstance(error, ssl.SSLError):
        return f"The encrypted connection to the mail server fails: {without_addresses(str(error))}"
    if isinstance(error, TimeoutError):
        return "The mail server does not answer in time."
    return without_addresses(str(error)) or type(error).__name__
