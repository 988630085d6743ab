"""What the builder of rules offers: names of what there is, and values that came before."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Expression, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Left, Lower

from activities.models import Activity, ActivityType, PropertyRule, SystemType
from adminsite.permissions import AnyUser
from channels.models import Channel
from consents.models import Consent
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from contacts.places import country_names, state_names
from contacts.profile import FIELDS
from database.letter_case import fold
from groups.conditions.profile import WITH_NUMBERS
from groups.models import ContactGroup

# Fields that many contacts share; the others tell who a contact is, letter by letter if asked.
OF_MANY = frozenset({"company_name", "job_title", "city", "zip", "country", "state"})

# Values are counted among so many of the latest activities, or contacts, most of whom have none in
# a field; and so many are offered.
_LATEST = 5_000
_LATEST_CONTACTS = 20_000
_OFFERED = 20
# Longer texts are of no use in a list.
_LONGEST = 300
_TYPES_LOOKED_AT = 20
_OF_ACTIVITIES = ("value", "url", "referrer")
# An array for each activity: a row for each name would pass over all activities without any.
_NAMES = Func(
    F("properties"),
    template="CASE WHEN jsonb_typeof(%(expressions)s) = 'object'"
    " THEN ARRAY(SELECT jsonb_object_keys(%(expressions)s)) END",
    output_field=ArrayField(TextField()),
)


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
        "number_fields": list(WITH_NUMBERS),
        "properties": _properties(),
        **{name: _named(rows().order_by(Lower("name"))) for name, rows in _more.items()},
    }


def register_offer(name: str, rows: Callable[[], QuerySet]) -> None:
    """Let conditions of apps above name these rows, which have a code name and a name."""
    _more[name] = rows


_more: dict[str, Callable[[], QuerySet]] = {}


def suggestions(
    user: AnyUser, of: str, types: Iterable[str], begun: str, name: str = ""
) -> list[str]:
    """The most frequent values of late that contain `begun`, the most frequent first.

    What contacts have in the `field` of this name; or what activities of the given types, named by
    their codes, have as `value`, `url` or `referrer`, as the `property` of this name, or as a
    `property_name`. `label` is the value of data inputs, `landing_page` the URL of landing pages.
    Values may tell who one contact is, or what it did, so users who may not see contacts get none.
    """
    types = list(types)[:_TYPES_LOOKED_AT]
    if not may_see_contacts(user) or "\0" in "".join((begun, name, *types)):
        return []
    found = _of_contacts(name) if of == "field" else _of_activities(of, types, name)
    wanted = fold(begun)
    counted = Counter(text for text in found if text)
    most = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return [text for text, _ in most if wanted in fold(text)][:_OFFERED]


def _of_contacts(field: str) -> list[str]:
    if field not in OF_MANY:
        return []
    # Of merged ones, too: if they were passed over, there would be no end to what is read.
    newest = Contact.objects.order_by("-created_at", "-id")[:_LATEST_CONTACTS]
    return list(newest.values_list(field, flat=True))


def _of_activities(of: str, types: list[str], name: str) -> list[str]:
    of, types = {
        "label": ("value", [SystemType.DATA_INPUT.value]),
        "landing_page": ("url", [SystemType.LANDING_PAGE.value]),
    }.get(of, (of, types))
    if of == "property_name":
        return [one for names in _latest(types, _NAMES) for one in names or ()]
    if of == "property":
        return _latest(types, Left(_property(name), _LONGEST))
    return _latest(types, Left(of, _LONGEST)) if of in _OF_ACTIVITIES else []


def _latest(codes: list[str], what: Expression) -> list[Any]:
    """What the latest activities of these types have, by the index of types."""
    if not codes:
        return []
    types = reduce(or_, (ActivityType.objects.with_code_name(one) for one in codes))
    ids = list(types.values_list("pk", flat=True))
    found: list[Any] = []
    for one in ids:
        newest = Activity.objects.filter(type=one).order_by("-occurred_at", "-id")
        found += newest.values_list(what, flat=True)[: _LATEST // len(ids)]
    return found


def _property(name: str) -> Coalesce:
    """A property as text. Dots lead into objects, as in conditions."""
    return Coalesce(*(_at(path) for path in ([name], name.split("."))))


def _at(path: list[str]) -> Func:
    return Func(
        F("properties"),
        Value(path, ArrayField(TextField())),
        template="(%(expressions)s)",
        arg_joiner=" #>> ",
        output_field=TextField(),
    )


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
