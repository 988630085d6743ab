"""Writing messages as mail servers take them, in a fraction of the time that `email` needs.

Most of an email is known to be plain: its headers are ASCII without line breaks, and its bodies are
text. Only what may be more, such as a name in another script, is left to Django.
"""

from binascii import b2a_qp
from email.utils import formatdate
from functools import lru_cache
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage

from automations.emails.messages import HubMessage

# RFC 5322, 2.1.1, without the line break: what is longer may be cut in two on its way, or refused.
_LONGEST_LINE = 998
# Headers that are longer look better folded.
_LONG_HEADER = 76


def bytes_of(message: HubMessage) -> bytes:
    """The message with all its headers; its lines end with CRLF.

    :raises ValueError: if no message can be made of it
    """
    return b"".join(
        [
            b"MIME-Version: 1.0\r\n",
            _subject(str(message.subject)),
            _addresses(message.from_email, tuple(message.reply_to)),
            _plain("To", ", ".join(message.to)),
            _plain("Date", formatdate(localtime=settings.EMAIL_USE_LOCALTIME)),
            *(_plain(name, value) for name, value in message.extra_headers.items()),
            *_contents(message),
        ]
    )


def _plain(name: str, value: str) -> bytes:
    """A header that is made of what the hub itself has made or checked."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"The header {name} has a character that it cannot have.")
    return f"{name}: {value}\r\n".encode()


def _subject(subject: str) -> bytes:
    if len(subject) <= _LONG_HEADER and subject.isascii() and subject.isprintable():
        return _plain("Subject", subject)
    return _as_django_writes(EmailMessage(subject), "Subject")


# Those of a template have them in common.
@lru_cache(maxsize=100)
def _addresses(sender: str, reply_to: tuple[str, ...]) -> bytes:
    message = EmailMessage(from_email=sender, reply_to=reply_to)
    return _as_django_writes(message, "From", "Reply-To")


def _as_django_writes(message: EmailMessage, *names: str) -> bytes:
    """These headers of a message that has nothing else to say."""
    # A Message-ID of its own would begin with a look-up of this machine's name.
    message.extra_headers = {"Message-ID": "", "Date": ""}
    written = message.message()
    for name in set(written) - set(names):
        del written[name]
    return written.as_bytes(linesep="\r\n").removesuffix(b"\r\n")


def _contents(message: HubMessage) -> list[bytes]:
    """The body; with others that say the same, if there are some, the best one last."""
    bodies = [_body("plain", str(message.body))]
    for content, mimetype in message.alternatives:
        bodies.append(_body(mimetype.removeprefix("text/"), str(content)))
    if len(bodies) == 1:
        return bodies
    boundary = uuid4().hex.encode()
    parts = [b"Content-Type: multipart/alternative; boundary=" + boundary + b"\r\n"]
    for body in bodies:
        parts += [b"\r\n--", boundary, b"\r\n", body]
    return [*parts, b"\r\n--", boundary, b"--\r\n"]


def _body(subtype: str, text: str) -> bytes:
    """A text as a part of a message, or as the whole of it."""
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    if max(map(len, data.split(b"\n"))) > _LONGEST_LINE:
        encoding, data = "quoted-printable", b2a_qp(data)
    else:
        encoding = "7bit" if data.isascii() else "8bit"
    head = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + data.replace(b"\n", b"\r\n")
