"""What a column can be for, as the select of the mapping page offers it."""

from collections.abc import Mapping as MappingOf
from typing import Any

from channels.models import Channel
from consents.models import Consent
from contacts.profile import FIELDS
from exchange.admin.showing import field_title
from exchange.importing.identifiers import KINDS
from exchange.importing.mapping import is_target
from exchange.importing.proposing import DATE_FIELDS
from exchange.importing.ready import Target
from exchange.models import Import

type Group = tuple[str, list[tuple[str, str]]]

_OF_ACTIVITIES = (
    ("email", "Email of the contact"),
    ("guid", "GUID of the contact"),
    ("type", "Activity type"),
    ("time", "Time"),
    ("value", "Value"),
    ("title", "Title"),
    ("url", "URL"),
    ("referrer", "Referrer"),
    ("id", "ID (an activity with the same ID counts once)"),
    ("properties", "Properties (a JSON object)"),
)
_PROPERTY = "property:"
_IDENTIFIERS = dict(zip(KINDS, ("User ID", "Anonymous ID"), strict=True))
_MOST_SITES = 50
SEPARATORS = ((",", "comma"), (";", "semicolon"), ("|", "vertical bar"))


def targets_for(
    kind: str, consents: MappingOf[str, str], sites: MappingOf[str, str], header: str
) -> list[Group]:
    """What a column called `header` can be for, in groups."""
    if kind == Import.Kind.ACTIVITIES:
        own = (f"{_PROPERTY}{header}"[:200], f"Property “{header[:60]}”")
        return [("Activity", [*_OF_ACTIVITIES, own])]
    fields = [(name, field_title(name)) for name in FIELDS]
    groups = [
        ("Contact", [*fields, ("guid", "GUID")]),
        ("Kept together by", [("tags", "Tags"), ("groups", "Contact groups")]),
        (
            "Consents",
            [(f"consent:{code}", f"Agrees to {name}") for code, name in consents.items()],
        ),
        (
            "Proof and status",
            [
                ("agreed_at", "When the contact agreed"),
                ("agreed_ip", "Address (IP) where the contact agreed"),
                ("email_status", "Subscribed, unsubscribed or cleaned"),
            ],
        ),
        (
            "Known by other systems",
            [
                (f"identifier:{site}:{kind}", f"{label} of {name}")
                for site, name in sites.items()
                for kind, label in _IDENTIFIERS.items()
            ],
        ),
    ]
    known = [
        (label, [target for target in group if is_target(target[0], kind)])
        for label, group in groups
    ]
    return [group for group in known if group[1]]


def site_names() -> dict[str, str]:
    """What the sites of channels are called by their IDs: by the first channel of each."""
    rows = Channel.objects.order_by("pk").values_list("site_id", "name")[:_MOST_SITES]
    return dict(reversed(rows))


def consent_names() -> dict[str, str]:
    """The names of all consents by their code names."""
    return dict(Consent.objects.order_by("name").values_list("code_name", "name"))


def read_mapping(
    data: MappingOf[str, Any], columns: list[dict[str, Any]], kind: str
) -> tuple[dict[str, Target], dict[int, str]]:
    """The mapping in a sent form, and what is wrong with it, by the positions of columns.

    Problems that are of no column are at -1.
    """
    mapping: dict[str, Target] = {}
    problems: dict[int, str] = {}
    first: dict[str, int] = {}
    for at, column in enumerate(columns):
        field = str(data.get(f"target-{at}", ""))[:250]
        if not field:
            continue
        if field in first and not field.startswith(_PROPERTY):
            name = columns[first[field]]["name"]
            problems[at] = f"“{name[:80]}” is for the same. Choose one of the two."
            continue
        first[field] = at
        mapping[column["name"]] = target = _target(data, at, column, field)
        asks = field in DATE_FIELDS and bool(column["dates"]) and column["dates"]["asks"]
        if asks and not chosen_format(target):
            problems[at] = "Choose in which order day and month are written."
    missing = _missing(set(first), data, kind)
    if missing:
        problems[-1] = missing
    _add_for_all_rows(mapping, data, kind)
    return mapping, problems


def _target(data: MappingOf[str, Any], at: int, column: dict[str, Any], field: str) -> Target:
    if field in DATE_FIELDS and column["dates"]:
        given = data.get(f"format-{at}", "")
        formats = column["dates"]["formats"]
        if given in formats:
            return {"field": field, "format": given}
        return field if column["dates"]["asks"] else {"field": field, "format": formats[0]}
    if field in ("tags", "groups"):
        given = data.get(f"separator-{at}", "")
        return {"field": field, "separator": given if given in dict(SEPARATORS) else ","}
    return field


def _missing(fields: set[str], data: MappingOf[str, Any], kind: str) -> str:
    if kind == Import.Kind.CONTACTS:
        return "" if "email" in fields else "Choose the column with the email: it tells who it is."
    if not fields & {"email", "guid"}:
        return "Choose the column with the email or the GUID: it tells whose activity it is."
    if "type" not in fields and not data.get("type_of_all"):
        return "Choose the column with the activity type, or one type for all rows."
    return "" if "time" in fields else "Choose the column with the time of the activities."


def _add_for_all_rows(mapping: dict[str, Target], data: Any, kind: str) -> None:
    """Add what every row has, although no column says it."""
    if kind == Import.Kind.ACTIVITIES:
        if type_of_all := data.get("type_of_all"):
            mapping[""] = {"field": "type", "value": str(type_of_all)[:200]}
        return
    known = consent_names()
    chosen = [code for code in data.getlist("agrees_to") if code in known]
    if chosen:
        mapping[""] = [f"consent:{code}" for code in chosen]  # type: ignore[assignment]


def for_all_rows(mapping: MappingOf[str, Any]) -> tuple[set[str], str]:
    """The consents that every row agrees to, and the type that every row has."""
    given = mapping.get("", [])
    if isinstance(given, dict):
        return set(), str(given.get("value", ""))
    codes = [given] if isinstance(given, str) else given
    return {code.removeprefix("consent:") for code in codes}, ""


def chosen_format(target: Target | None) -> str:
    """The format of dates that a target names."""
    return target.get("format", "") if isinstance(target, dict) else ""


def chosen_separator(target: Target | None) -> str:
    """The separator of tags that a target names."""
    return target.get("separator", ",") if isinstance(target, dict) else ","
