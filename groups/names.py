"""What rules name by code names: activity types, consents, groups, channels and tracked sites.

Apps above register what else their conditions name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import models

from activities.models import Activity, ActivityType
from channels.models import Channel
from consents.models import Consent
from database.letter_case import fold
from groups.models import HAS_MEMBERS, ContactGroup


class Kind(str):
    """A kind of what rules name, as sentences call it."""

    __slots__ = ()
    ACTIVITY_TYPE: ClassVar["Kind"]
    CONSENT: ClassVar["Kind"]
    GROUP: ClassVar["Kind"]
    CHANNEL: ClassVar["Kind"]
    TRACKED_SITE: ClassVar["Kind"]


Kind.ACTIVITY_TYPE = Kind("activity type")
Kind.CONSENT = Kind("consent")
Kind.GROUP = Kind("contact group")
Kind.CHANNEL = Kind("channel")
Kind.TRACKED_SITE = Kind("tracked site")


@dataclass(frozen=True)
class Names:
    """Whose names are of one kind, and what is said of one that rules name in vain.

    :ivar missing: a sentence about a name that there is not, which it has as {}
    :ivar disabled: the same about one that is switched off
    :ivar of_rules: whether conditions name it; if not, something else of an app above does
    """

    model: type[models.Model]
    missing: str
    disabled: str = ""
    of_rules: bool = True


@dataclass(frozen=True)
class Named:
    """One of what rules name.

    :ivar enabled: true where there is no such switch
    :ivar has_members: false of a group that is switched off or not built yet: nobody is in it
    :ivar only_current: true of a consent of which agreements to earlier texts count no more
    """

    id: int
    name: str
    enabled: bool = True
    has_members: bool = True
    only_current: bool = False


@dataclass(frozen=True)
class Known:
    """What names stand for, as it was looked up at once for a whole rule."""

    found: Mapping[tuple[Kind, str], Named] = field(default_factory=dict)

    def get(self, kind: Kind, code_name: str) -> Named | None:
        """What `code_name` stands for, in any letter case, or None."""
        return self.found.get((kind, fold(code_name)))

    def ids(self, kind: Kind, code_names: Iterable[str]) -> list[int]:
        """The ids of those that there are."""
        found = (self.get(kind, code_name) for code_name in code_names)
        return sorted({named.id for named in found if named})

    def title(self, kind: Kind, code_name: str) -> str:
        """What users call it: its name, or the code name if there is none."""
        named = self.get(kind, code_name)
        return named.name if named else code_name


def look_up(names: Mapping[Kind, Iterable[str]]) -> Known:
    """What these names stand for, in one query for each kind that is named."""
    found = {}
    for kind, code_names in names.items():
        folded = sorted({fold(code_name) for code_name in code_names})
        if folded:
            for row in all_named(kind).filter(code_name__fold__in=folded):
                code_name = row.pop("code_name")
                found[kind, fold(code_name)] = Named(**row)
    return Known(found)


def all_named(kind: Kind) -> models.QuerySet[Any, dict[str, Any]]:
    """All that has names of this kind: its code name, and what `Named` has of it."""
    model = model_of(kind)
    rows = model._default_manager.order_by()
    columns = ["id", "code_name", "name"]
    if any(field.name == "enabled" for field in model._meta.fields):
        columns.append("enabled")
    if model is Consent:
        only_current = models.ExpressionWrapper(
            models.Q(older_versions_count=False), models.BooleanField()
        )
        return rows.values(*columns, only_current=only_current)
    if model is not ContactGroup:
        return rows.values(*columns)
    has_members = models.ExpressionWrapper(HAS_MEMBERS, models.BooleanField())
    return rows.values(*columns, has_members=has_members)


def model_of(kind: Kind) -> type[models.Model]:
    """The model of what has names of this kind."""
    return names_of(kind).model


def names_of(kind: Kind) -> Names:
    """Whose names are of this kind, which was registered."""
    return _kinds[kind]


def kinds() -> list[Kind]:
    """The kinds of what rules may name, in the order in which they were registered."""
    return [kind for kind, names in _kinds.items() if names.of_rules]


def register_names(kind: Kind, names: Names) -> None:
    """Let conditions, or others, name what is of this kind."""
    _kinds[kind] = names


_kinds: dict[Kind, Names] = {}
# Groups are below the room of tracked sites, which the key of activities leads to.
_TRACKED_SITE = Activity._meta.get_field("tracked_site").related_model

register_names(
    Kind.ACTIVITY_TYPE,
    Names(
        ActivityType,
        missing="No activity of type “{}” was ever seen: as long as that is so, nobody has done "
        "one. Check how applications spell it.",
        disabled="The activity type “{}” is switched off: what was recorded counts, and nothing "
        "new is recorded.",
    ),
)
register_names(
    Kind.CONSENT,
    Names(
        Consent,
        missing="There is no consent “{}” any more: nobody agrees to it. Choose another.",
    ),
)
register_names(
    Kind.GROUP,
    Names(
        ContactGroup,
        missing="There is no contact group “{}” any more: nobody is in it. Choose another.",
        disabled="The contact group “{}” is switched off: it has no members.",
    ),
)
register_names(
    Kind.CHANNEL,
    Names(
        Channel,
        missing="There is no channel “{}” any more: nothing happens on it. Choose another.",
    ),
)
register_names(
    Kind.TRACKED_SITE,
    Names(
        _TRACKED_SITE,  # type: ignore[arg-type]
        missing="There is no tracked site “{}” any more: nothing happens on it. Choose another.",
        disabled="The tracked site “{}” is switched off: what was recorded counts, and nothing "
        "new is recorded.",
    ),
)
