"""What became of handing an email over, whatever it was handed to."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from automations.emails.messages import HubMessage
from automations.models import EmailEvent


class Result(Enum):
    """What became of one attempt to hand over one email."""

    SENT = auto()
    # For ever, and for now.
    REFUSED = auto()
    PUT_OFF = auto()
    # The connection broke before the mail server had the email.
    BROKE_BEFORE = auto()
    # It broke when the mail server may have had it.
    UNCERTAIN = auto()
    # Nothing came of it; the same worker tries it at once.
    NOT_BEGUN = auto()


@dataclass(frozen=True)
class Outcome:
    """One attempt: its result, and why.

    :ivar detail: what the mail server said, without addresses
    :ivar severity: of what is refused, what it says about the recipient's address; "" is nothing
    :ivar provider_id: what the provider calls the email
    """

    result: Result
    detail: str = ""
    severity: EmailEvent.Severity | str = ""
    provider_id: str = ""


class CannotConnect(Exception):
    """The mail server cannot be reached, or does not let the hub in; the text says why."""


class Line(Protocol):
    """A connection on which emails are handed over, one after the other, in one thread."""

    def open(self) -> None:
        """Connect, unless it is connected.

        :raises CannotConnect: if that is not possible now
        """

    def hand_over(self, message: HubMessage) -> Outcome:
        """Hand over one email; the connection was opened."""

    def close(self) -> None:
        """End the connection; never raises."""
