"""The mailbox to which emails come back, read over IMAP."""

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings

from automations.emails.mailbox_address import MailboxAddress, read_mailbox_url
from automations.emails.receiving import LARGEST_REPORT, Received, receive

_MOST_AT_ONCE = 500


class CannotRead(Exception):
    """The mailbox cannot be read now; the text says why, without the password."""


def fetch_bounces() -> Received:
    """Read what is new in the mailbox of BOUNCE_MAILBOX_URL, and mark it as read.

    What is marked as read is not read again, by whatever program. A message that was read, but
    could not be marked, is read twice, which makes no difference.

    :raises CannotRead: if the mailbox cannot be read now
    """
    address = read_mailbox_url(settings.BOUNCE_MAILBOX_URL)
    received = Received()
    if address is None:
        return received
    with _opened(address) as mailbox:
        for number in _unread(mailbox):
            received += receive(_content_of(mailbox, number))
            mailbox.uid("STORE", number, "+FLAGS", r"(\Seen)")
    return received


@contextmanager
def _opened(address: MailboxAddress) -> Iterator[imaplib.IMAP4]:
    kind = imaplib.IMAP4_SSL if address.is_encrypted else imaplib.IMAP4
    try:
        mailbox = kind(address.host, address.port, timeout=settings.EMAIL_TIMEOUT)
    except (OSError, imaplib.IMAP4.error) as error:
        raise CannotRead(f"The mailbox for bounces cannot be reached: {error}") from error
    try:
        mailbox.login(address.user, address.password)
        status, _ = mailbox.select(_quoted(address.folder))
        if status != "OK":
            raise CannotRead(f"The mailbox for bounces has no folder “{address.folder}”.")
        yield mailbox
    except (OSError, imaplib.IMAP4.error) as error:
        raise CannotRead(f"The mailbox for bounces cannot be read: {error}") from error
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            mailbox.logout()


def _unread(mailbox: imaplib.IMAP4) -> list[str]:
    _, found = mailbox.uid("SEARCH", "UNSEEN")
    numbers = found[0].split() if found and isinstance(found[0], bytes) else []
    return [number.decode() for number in numbers[:_MOST_AT_ONCE]]


def _content_of(mailbox: imaplib.IMAP4, number: str) -> bytes:
    """A message, as far as it may be long; reports are at its beginning."""
    _, found = mailbox.uid("FETCH", number, f"(BODY.PEEK[]<0.{LARGEST_REPORT}>)")
    parts = [one[1] for one in found or () if isinstance(one, tuple)]
    return parts[0] if parts else b""


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
