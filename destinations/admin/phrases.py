"""What goes out to a destination, in a few words."""

from collections.abc import Sequence

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


def _listed(names: Sequence[str], before: str = "") -> str:
    if not names:
        return ""
    more = len(names) - _NAMED
    text = ", ".join(names[:_NAMED])
    return f"{before}{text}{f' and {more} more' if more > 0 else ''}"
