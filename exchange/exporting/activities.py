"""What an exported file of activities has: one that says who and what can come in again."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Func, QuerySet, TextField
from django.http import QueryDict

from activities.admin.personal_data import hide_personal_data, personal_paths
from activities.models import Activity, ActivityType, PropertyRule
from contacts.admin.permissions import may_see_contacts
from exchange.exporting.fields import Field, Kind
from exchange.exporting.sources import ROWS_AT_A_TIME, Source, field_of, register_source

PROPERTY = "property:"
# Of so many of the latest activities the names of properties are offered as columns, and so many.
_LOOKED_AT, _MOST_PROPERTIES = 1_000, 100


def _fields(user: User, query: str) -> list[Field]:
    email = (
        [Field(name="email", title="Contact email", read=lambda row: row.contact.email)]
        if may_see_contacts(user)
        else []
    )
    return [
        Field(name="time", title="Time", read=lambda row: row.occurred_at, kind=Kind.TIME),
        Field(name="guid", title="Contact GUID", read=lambda row: row.contact.guid),
        *email,
        Field(name="type", title="Type", read=lambda row: row.type.code_name),
        Field(name="type_name", title="Name of the type", read=lambda row: row.type.name),
        *(field_of(Activity, name) for name in ("title", "value", "url", "referrer")),
        Field(name="channel", title="Channel", read=lambda row: row.channel.code_name),
        Field(
            name="tracked_site",
            title="Tracked site",
            read=lambda row: row.tracked_site.code_name if row.tracked_site else None,
        ),
        field_of(Activity, "properties"),
        Field(
            name="recorded_at",
            title="Recorded",
            read=lambda row: row.recorded_at,
            kind=Kind.TIME,
            is_proposed=False,
        ),
        field_of(Activity, "logged_as", is_proposed=False),
        field_of(Activity, "client_id", is_proposed=False),
        field_of(Activity, "request_id", is_proposed=False),
    ]


def _offered(user: User, query: str) -> list[Field]:
    return [*map(_of_property, _names_of_properties(user, query))]


def _chosen(names: Collection[str], user: User, query: str) -> list[Field]:
    """Columns of properties that may not be among those of the latest activities any more."""
    wanted = {one.removeprefix(PROPERTY) for one in names if one.startswith(PROPERTY)}
    if wanted and not may_see_contacts(user):
        wanted &= _names_of_rules(_type_asked(query))
    return [*map(_of_property, sorted(wanted))]


def _of_property(name: str) -> Field:
    # The same in words: so it is known again when the file comes in.
    title = f"{PROPERTY}{name}"
    return Field(name=title, title=title, read=_reading(name), kind=Kind.ANY, is_proposed=False)


def _reading(name: str) -> Callable[[Any], object]:
    def read(row: Any) -> object:
        return row.properties.get(name) if isinstance(row.properties, dict) else None

    return read


def _names_of_properties(user: User, query: str) -> list[str]:
    """The names of properties that rules have, and that came with the latest activities."""
    types = _type_asked(query)
    names = _names_of_rules(types)
    if not may_see_contacts(user):
        # What a property is called may be the name of a person.
        return sorted(names)[:_MOST_PROPERTIES]
    latest = Activity.objects.all() if types is None else Activity.objects.filter(type__in=types)
    with_some = latest.order_by("-occurred_at", "-id")[:_LOOKED_AT]
    rows = Activity.objects.filter(pk__in=list(with_some.values_list("pk", flat=True)))
    kind = Func("properties", function="jsonb_typeof", output_field=TextField())
    rows = rows.annotate(kind=kind).filter(kind="object")
    keys = Func("properties", function="jsonb_object_keys", output_field=TextField())
    # In one order: of too many, the form offers the same ones when it comes back.
    found = rows.annotate(key=keys).values_list("key", flat=True).distinct().order_by("key")
    return sorted({*names, *found[:_MOST_PROPERTIES]})[:_MOST_PROPERTIES]


def _type_asked(query: str) -> QuerySet[ActivityType] | None:
    """The type that the list is filtered by; None if it has activities of all types."""
    asked = QueryDict(query).get("type__id__exact", "")
    return ActivityType.objects.filter(pk=int(asked)) if asked.isdecimal() else None


def _names_of_rules(types: QuerySet[ActivityType] | None) -> set[str]:
    rules = PropertyRule.objects.all()
    if types is not None:
        rules = rules.filter(activity_type__in=types)
    # A rule of `address.city` is about a property of `address`.
    return {name.partition(".")[0] for name in rules.values_list("name", flat=True)}


def _rows(activities: QuerySet, names: frozenset[str], user: User) -> Iterator[Activity]:
    rows = activities.select_related("type", "contact", "channel", "tracked_site")
    hides = not may_see_contacts(user)
    types = list(ActivityType.objects.values_list("pk", flat=True))
    personal = personal_paths(types) if hides else {}
    for activity in rows.iterator(chunk_size=ROWS_AT_A_TIME):
        if hides:
            hide_personal_data(activity, personal)
        yield activity


register_source(
    Activity,
    Source(fields=_fields, offered=_offered, chosen=_chosen, rows=_rows, with_list=False),
)
