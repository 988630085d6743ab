"""What goes out to a destination, and whether it does, in a few words."""

from collections.abc import Iterable, Sequence

from destinations.models import Destination

_NAMED = 3


def phrase_of(destination: Destination) -> str:
    """Such as “purchase, lead; members of vip; changed contacts”; "" if nothing goes out.

    With code names: looking names up would cost queries for each row of a list.
    """
    parts = [
        _listed(destination.activities),
        _listed(destination.groups, "who enters or leaves "),
        _listed(destination.consents, "answers to "),
        "changed contacts" if destination.changes else "",
    ]
    return "; ".join(part for part in parts if part)


def held_up(destination: Destination) -> str:
    """Why what waits for it does not go out, in a sentence; "" if it does."""
    if not destination.enabled:
        return f"Messages to “{destination}” wait until it is switched on."
    if destination.paused_at is not None:
        return f"Messages to “{destination}” wait until it is resumed."
    if destination.dry:
        return f"Messages to “{destination}” are skipped: it is in dry mode."
    return ""


def said_of(count: int, destinations: Iterable[Destination], goes: str, how: str) -> str:
    """What becomes of messages that a user sends again, and of those that are held up.

    :param goes: where and when they go, if nothing holds them up
    """
    lacks = [lack for one in destinations if (lack := held_up(one))]
    are = "message" if count == 1 else "messages"
    if not lacks:
        return f"{count:,} {are} {'goes' if count == 1 else 'go'} {goes}, {how}."
    return " ".join([f"{count:,} {are} to send again, {how}.", *lacks])


def _listed(names: Sequence[str], before: str = "") -> str:
    if not names:
        return ""
    more = len(names) - _NAMED
    text = ", ".join(names[:_NAMED])
    return f"{before}{text}{f' and {more} more' if more > 0 else ''}"
