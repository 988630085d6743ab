"""The setting that says where emails come back to."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_PORTS = {"imap": 143, "imaps": 993}


@dataclass(frozen=True)
class MailboxAddress:
    """Where a mailbox is: its server, the login and the folder."""

    is_encrypted: bool
    host: str
    port: int
    user: str
    password: str
    folder: str


def read_mailbox_url(url: str) -> MailboxAddress | None:
    """The mailbox of a setting such as `imaps://user:password@host/INBOX`; None if it is empty.

    :raises ImproperlyConfigured: if it is no such URL; the text does not have the password
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
        raise ImproperlyConfigured(
            "BOUNCE_MAILBOX_URL must be like imaps://user:password@mail.example.com/INBOX. Write "
            "an @ in the user as %40."
        )
    return MailboxAddress(
        is_encrypted=parts.scheme == "imaps",
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
    )
