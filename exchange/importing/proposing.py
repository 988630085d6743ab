"""Proposes what the columns of a file are for: by their names, and by what stands in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.importing.names import field_called, field_called_nearly, plain
from exchange.importing.ready import System, Target, find_system, targets_of
from exchange.importing.tags import separator_in

CONTACTS, ACTIVITIES = "contacts", "activities"
# What a date is asked of, and what has the time with it.
DATE_FIELDS = frozenset({"birthday", "agreed_at", "time"})


def propose(
    columns: Sequence[Mapping[str, Any]],
    *,
    kind: str = CONTACTS,
    consents: Mapping[str, str] | None = None,
    remembered: Mapping[str, Target] | None = None,
) -> dict[str, Target]:
    """A target for each column that has one; nothing that two columns would have.

    What was `remembered` for these columns counts before all. A date has its format, unless only a
    user can tell it.

    :param columns: as `columns.Columns` tells them
    :param consents: the names of the consents by their code names
    """
    headers = [column["name"] for column in columns]
    if remembered is not None:
        return {name: remembered[name] for name in (*headers, "") if name in remembered}
    found: dict[str, Target] = {}
    taken: set[str] = set()

    def take(name: str, target: Target) -> None:
        field = field_of(target)
        if field and name not in found and field not in taken:
            found[name] = target
            taken.add(field)

    if (system := system_of(headers, kind)) is not None:
        for name, target in targets_of(system, headers).items():
            take(name, target)
    for name in headers:
        take(name, field_called(name, kind))
        take(name, _consent_called(name, consents or {}))
    for column in columns:
        if column["emails"]:
            take(column["name"], "email")
    for name in headers:
        take(name, field_called_nearly(name, kind))
    return {
        column["name"]: with_format(found[column["name"]], column)
        for column in columns
        if column["name"] in found and _may_be(found[column["name"]], column)
    }


def system_of(headers: Sequence[str], kind: str) -> System | None:
    """The system that a file of contacts is from, if it is a known one."""
    return find_system(headers) if kind == CONTACTS else None


def field_of(target: Target | None) -> str:
    """The field that a column is for; "" if it is for none."""
    return (target if isinstance(target, str) else (target or {}).get("field")) or ""


def with_format(target: Target, column: Mapping[str, Any]) -> Target:
    """`target` with the format of its dates, if the column has but one, or what parts its tags."""
    dates = column["dates"]
    if target in ("tags", "groups"):
        return {"field": target, "separator": separator_in(column["examples"])}
    if field_of(target) not in DATE_FIELDS:
        return target
    if not dates or dates["asks"]:
        return field_of(target)
    return {"field": field_of(target), "format": dates["formats"][0]}


def _may_be(target: Target, column: Mapping[str, Any]) -> bool:
    """Whether the column has anything in it, and dates where dates are needed."""
    is_date = field_of(target) in DATE_FIELDS
    return not column["is_empty"] and (bool(column["dates"]) or not is_date)


def _consent_called(name: str, consents: Mapping[str, str]) -> str:
    called = name.removeprefix("consent:").strip()
    for code, title in consents.items():
        if plain(called) in (plain(code), plain(title)):
            return f"consent:{code}"
    return ""
