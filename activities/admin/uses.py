"""What uses an activity type: each room says what would change if the type were disabled."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from activities.models import ActivityType
from adminsite.permissions import AnyUser, May
from database.letter_case import fold


@dataclass(frozen=True)
class Use:
    """One thing that names a type, its page, and what becomes of it without new activities.

    :ivar properties: the properties of the type that it asks for
    """

    kind: str
    name: str
    effect: str
    url: str = ""
    properties: tuple[str, ...] = ()


# Everything of a room that names types: the code name, and what names it.
FindUses = Callable[[], Iterable[tuple[str, Use]]]


@dataclass(frozen=True)
class _Room:
    may_see: May
    find: FindUses


_rooms: list[_Room] = []


def register_uses(*, may_see: May, find: FindUses) -> None:
    """Add what a room knows of the uses of types, for users who `may_see` that.

    `find` costs the same number of queries for any number of types.
    """
    _rooms.append(_Room(may_see, find))


def uses_of(activity_type: ActivityType, user: AnyUser) -> list[Use]:
    """All that names this type, as far as the user may see it."""
    return list(uses_by_type(user).get(fold(activity_type.code_name), ()))


def uses_by_type(user: AnyUser) -> Mapping[str, Sequence[Use]]:
    """All that names types, as far as the user may see it, by the folded code name of the type."""
    found: dict[str, dict[Use, None]] = defaultdict(dict)
    for room in _rooms:
        if room.may_see(user):
            for code_name, use in room.find():
                found[fold(code_name)][use] = None
    return {code_name: list(uses) for code_name, uses in found.items()}
