"""What a kind of destination is. Each derives from `DestinationKind` and is registered once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.utils import timezone

from destinations.kinds.checks import check_members
from destinations.messages import Message
from destinations.outcomes import Outcome, Result

if TYPE_CHECKING:
    from destinations.http import Client
    from destinations.models import Delivery, Destination


@dataclass(frozen=True)
class Option:
    """What a kind has to know besides: a member of `options`, or of `credentials` if secret.

    :ivar why_fixed: why it stays once the destination has deliveries, in a sentence; "" if it does
        not
    """

    name: str
    title: str
    help_text: str
    is_secret: bool = False
    is_required: bool = True
    why_fixed: str = ""


class DestinationKind(ABC):
    """A kind of destination.

    :cvar type: a value of `Destination.Type`
    :cvar options: what it needs to know
    :cvar has_url: whether users say where it is; `default_url` is proposed then
    :cvar has_mapping: whether users draw the body, choose method and headers, and have a secret
    :cvar takes_personal: whether properties that are marked as personal data may go there, if the
        destination gets the email as it is
    :cvar most_at_once: deliveries that go out together
    :cvar most_bytes: of what goes out together
    """

    type: ClassVar[str]
    options: ClassVar[Sequence[Option]] = ()
    has_url: ClassVar[bool] = True
    default_url: ClassVar[str] = ""
    has_mapping: ClassVar[bool] = False
    takes_personal: ClassVar[bool] = True
    most_at_once: ClassVar[int] = 1
    most_bytes: ClassVar[int] = 2_000_000

    def check(self, destination: Destination) -> None:
        """Refuse what this kind cannot work with.

        :raises InvalidDestination: with the first mistake
        """
        check_members(self, destination)

    def lacks(self, destination: Destination) -> str:
        """What it cannot deliver without and does not have, in a sentence; "" if nothing.

        A destination may be saved so, for configuration files come without credentials.
        """
        for option in self.options:
            if (
                option.is_secret
                and option.is_required
                and not destination.credentials.get(option.name)
            ):
                return f"The destination has no {option.title} yet. Enter it."
        return ""

    @abstractmethod
    def payload(self, destination: Destination, message: Message) -> dict[str, Any]:
        """The message in the format of this kind, as the delivery keeps it."""

    def why_not(self, payload: Mapping[str, Any], occurred_at: datetime, now: datetime) -> str:
        """Why this payload can never be delivered (any more), in a sentence; "" if it can."""
        return ""

    def erasure(self, destination: Destination, message: Message) -> dict[str, Any] | None:
        """The payload that asks to delete a contact; None if there is no way to ask for that.

        The message has the GUID of the contact, and nothing else about it.
        """
        return None

    async def deliver(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> list[Outcome]:
        """Have these go out together, and return what came of each. Never raises.

        It takes 15 seconds at most. Nothing of the database is asked.
        """
        if lack := self.lacks(destination):
            return [Outcome(Result.FAILED, error=lack)] * len(deliveries)
        now = timezone.now()
        outcomes: dict[UUID, Outcome] = {}
        going = []
        for one in deliveries:
            if why := self.why_not(one.payload or {}, one.occurred_at, now):
                outcomes[one.message_id] = Outcome(Result.REFUSED, error=why)
            else:
                going.append(one)
        if going:
            outcomes |= await self.send(destination, going, client)
        return [outcomes[one.message_id] for one in deliveries]

    @abstractmethod
    async def send(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> dict[UUID, Outcome]:
        """Send these, which can be delivered; what came of each, by message ID. Never raises."""

    async def test(self, destination: Destination, delivery: Delivery, client: Client) -> Outcome:
        """Have a test go out, so that the destination tells what is wrong with it if it can."""
        return (await self.deliver(destination, [delivery], client))[0]


_kinds: dict[str, DestinationKind] = {}


def register(kind: DestinationKind) -> None:
    """Let destinations be of this kind."""
    _kinds[kind.type] = kind


def kind_of(destination: Destination) -> DestinationKind:
    """The kind of this destination."""
    return _kinds[destination.type]


def kinds() -> dict[str, DestinationKind]:
    """Every kind by its type, in the order in which they were registered."""
    return dict(_kinds)
