"""What the builder of rules offers: names of what there is, and values that came before."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_

from django.db.models import Count, QuerySet
from django.db.models.functions import Left, Lower

from activities.models import Activity, ActivityType, PropertyRule, SystemType
from adminsite.permissions import AnyUser
from channels.models import Channel
from consents.models import Consent
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from contacts.places import country_names, state_names
from contacts.profile import FIELDS
from groups.models import ContactGroup

# Values are counted among so many of the latest activities, and so many are offered.
_LATEST = 5_000
_OFFERED = 20
# Longer texts are of no use in a list.
_LONGEST = 300
_TYPES_LOOKED_AT = 20
_OF_ACTIVITIES = ("value", "url", "referrer")


def offers(group: ContactGroup | None = None) -> dict[str, object]:
    """What conditions of the rule of `group` may name: pairs of a code and what users call it."""
    groups = ContactGroup.objects.order_by(Lower("name"))
    if group is not None:
        groups = groups.exclude(pk=group.pk)
    return {
        "activities": _named(ActivityType.objects.order_by(Lower("name"))),
        "channels": _named(Channel.objects.order_by(Lower("name"))),
        "tracked_sites": _named(tracked_sites().order_by(Lower("name"))),
        "consents": _named(Consent.objects.order_by(Lower("name"))),
        "groups": _named(groups),
        "countries": list(country_names().items()),
        "states": list(state_names().items()),
        "fields": [(name, _label(name)) for name in FIELDS],
        "properties": _properties(),
        **{name: _named(rows().order_by(Lower("name"))) for name, rows in _more.items()},
    }


def register_offer(name: str, rows: Callable[[], QuerySet]) -> None:
    """Let conditions of apps above name these rows, which have a code name and a name."""
    _more[name] = rows


_more: dict[str, Callable[[], QuerySet]] = {}


def suggestions(user: AnyUser, of: str, types: Iterable[str], begun: str) -> list[str]:
    """The most frequent values of late that contain `begun`, the most frequent first.

    What activities of the given types, named by their codes, have as `of`: `value`, `url` or
    `referrer`; `label` is the value of data inputs, and `landing_page` the URL of landing pages.
    Values may tell what one contact did, so users who may not see contacts get none.
    """
    if not may_see_contacts(user):
        return []
    of, types = {
        "label": ("value", [SystemType.DATA_INPUT]),
        "landing_page": ("url", [SystemType.LANDING_PAGE]),
    }.get(of, (of, list(types)[:_TYPES_LOOKED_AT]))
    if of not in _OF_ACTIVITIES or not types or "\0" in "".join((begun, *types)):
        return []
    found = reduce(or_, (ActivityType.objects.with_code_name(one) for one in types))
    latest = _latest(list(found.values_list("pk", flat=True)), of)
    counted = Activity.objects.filter(pk__in=latest).values(text=Left(of, _LONGEST))
    if begun:
        counted = counted.filter(**{f"{of}__icontains": begun})
    most = counted.annotate(count=Count("pk")).order_by("-count", "text")
    return list(most.values_list("text", flat=True)[:_OFFERED])


def _latest(types: list[int], of: str) -> list[int]:
    each = max(_LATEST // max(len(types), 1), 1)
    ids: list[int] = []
    for one in types:
        newest = Activity.objects.filter(type=one).order_by("-occurred_at", "-id")
        rows = newest.values_list("pk", of)[:each]
        ids += [pk for pk, text in rows if text]
    return ids


def tracked_sites() -> QuerySet:
    """All tracked sites, whose model is of a room above this one."""
    model = Activity._meta.get_field("tracked_site").related_model
    return model._default_manager.all()  # type: ignore[union-attr]


def _named(rows: QuerySet) -> list[tuple[str, str]]:
    return list(rows.values_list("code_name", "name"))


def _label(name: str) -> str:
    label = str(Contact._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return label[0].upper() + label[1:]


def _properties() -> dict[str, list[str]]:
    """The names of the properties that the event specification knows, by type."""
    found: dict[str, list[str]] = {}
    rules = PropertyRule.objects.order_by("name").values_list("activity_type__code_name", "name")
    for code_name, name in rules:
        found.setdefault(code_name, []).append(name)
    return found
