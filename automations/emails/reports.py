"""Reports by email: what came back (RFC 3464), and what a reader reported as spam (RFC 5965)."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parseaddr

from automations.emails.severity import Severity, enhanced_code, severity_of, without_addresses

# What does not come back: one that is still tried, or that another server has passed on.
_GIVEN_UP = ("failed", "")
_SPAM = ("abuse", "fraud", "virus")


@dataclass(frozen=True)
class Report:
    """That one email came back, or was reported as spam.

    :ivar severity: of one that came back; None if it was reported as spam
    :ivar message_id: of the email, without brackets; "" if the report does not have it
    :ivar recipient: to whom it went; "" if the report does not say so
    """

    severity: Severity | None
    detail: str
    message_id: str
    recipient: str


def read_reports(raw: bytes) -> list[Report]:
    """What a message that came to the address for bounces reports; nothing if it is no report."""
    message = message_from_bytes(raw)
    parts = list(message.walk())
    message_id = _id_of_original(parts)
    reports: list[Report] = []
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            reports += _bounces(part, message_id)
        elif part.get_content_type() == "message/feedback-report":
            reports += _complaints(part, message_id)
    return reports


def _bounces(part: Message, message_id: str) -> Iterator[Report]:
    for fields in _blocks_of(part):
        recipient = _address(fields.get("Final-Recipient") or fields.get("Original-Recipient"))
        action = _text(fields.get("Action")).lower()
        if not recipient or action not in _GIVEN_UP:
            continue
        status = enhanced_code(_text(fields.get("Status")))
        said = _text(fields.get("Diagnostic-Code")).partition(";")[2]
        if not status or status.endswith(".0.0"):
            status = enhanced_code(said) or status
        if status:
            detail = without_addresses(said) or status
            yield Report(severity_of(status), detail, message_id, recipient)


def _complaints(part: Message, message_id: str) -> Iterator[Report]:
    for fields in _blocks_of(part):
        kind = _text(fields.get("Feedback-Type")).lower()
        if kind in _SPAM:
            recipient = _address(fields.get("Original-Rcpt-To"))
            yield Report(None, f"Reported as {kind}", message_id, recipient)


def _blocks_of(part: Message) -> list[Message]:
    """The blocks of fields of a part, which Python reads as messages."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    return [message_from_string(block) for block in str(payload).replace("\r", "").split("\n\n")]


def _id_of_original(parts: list[Message]) -> str:
    """The Message-ID in the returned email, or in what is returned of its headers."""
    for part in parts:
        kind = part.get_content_type()
        if kind not in ("message/rfc822", "message/rfc822-headers", "text/rfc822-headers"):
            continue
        payload = part.get_payload()
        original = payload[0] if isinstance(payload, list) and payload else None
        if not isinstance(original, Message):
            text = part.get_payload(decode=True)
            original = message_from_bytes(text if isinstance(text, bytes) else b"")
        if found := _text(original.get("Message-ID")):
            return found.strip("<>")
    return ""


def _text(value: object) -> str:
    # PostgreSQL takes no NUL, and anybody may send one.
    return " ".join(str(value or "").replace("\0", "").split())


def _address(value: object) -> str:
    """The address in a field such as `rfc822; ada@example.com`, or `<ada@example.com>`."""
    text = _text(value)
    return parseaddr(text.rpartition(";")[2])[1]
