"""A second reading of what rules mean: plain Python over plain values, slow, and sharing nothing
with the compiler but the hub's rule of letter case.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from database.letter_case import fold

MICROSECOND = timedelta(microseconds=1)
# A group that has rows of members and counts as empty, because it is not built yet.
UNBUILT = "three"


@dataclass
class Doing:
    """One activity."""

    type: str
    at: datetime
    value: str = ""
    url: str = ""
    referrer: str = ""
    properties: dict | None = None
    channel: str = ""
    tracked_site: str = ""


@dataclass
class Mail:
    """What became of one email of a template."""

    template: str
    did: str
    at: datetime
    by_robot: bool = False


@dataclass
class Person:
    """One contact: `agreed` has, by consent, whether the text that was agreed to is current."""

    fields: dict
    created_at: datetime
    birthday: date | None = None
    doings: list[Doing] = field(default_factory=list)
    agreed: dict[str, bool] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    mails: list[Mail] = field(default_factory=list)


def holds(node, person, now, zone):
    """Whether a rule, or a part of it, holds for a person at a time."""
    if "type" not in node:
        found = [holds(one, person, now, zone) for one in node["conditions"]]
        return all(found) if node["match"] == "all" else any(found)
    negate = node.get("negate", False)
    if node["type"] in ("age", "age_between", "birthday") and person.birthday is None:
        return False
    return _CONDITIONS[node["type"]](node, person, now, zone) != negate


def next_flip(node, person, now, zone):
    """The first instant after `now` at which the answer is another one, or None."""
    before = holds(node, person, now, zone)
    for instant in sorted(_instants(node, person, now, zone)):
        if instant > now and holds(node, person, instant, zone) != before:
            return instant
    return None


def _instants(node, person, now, zone):
    """When anything at all may change: windows that end, and days that begin."""
    days, dates = {1}, set()
    for leaf in _leaves(node):
        days |= {leaf[name] for name in ("days", "value") if isinstance(leaf.get(name), int)}
        if person.birthday and leaf["type"] == "birthday":
            years = range(now.year - 1, now.year + 4)
            within = leaf.get("within_days", 0)
            for day in (_in_year(person.birthday, year) for year in years):
                dates |= {
                    day + timedelta(days=more) for more in (-within - 1, -within, -1, 0, 1, 2)
                }
        if person.birthday:
            for name in ("value", "from", "to"):
                if isinstance(age := leaf.get(name), int) and leaf["type"].startswith("age"):
                    years = (person.birthday.year + age + more for more in (0, 1))
                    dates |= {_in_year(person.birthday, year) for year in years}
    times = [person.created_at, *(one.at for one in (*person.doings, *person.mails))]
    ends = {at + timedelta(days=number) for at in times for number in days}
    return ends | {_midnight(day, zone) for day in dates}


def _leaves(node):
    if "type" in node:
        yield node
    for one in node.get("conditions", ()):
        yield from _leaves(one)


def _midnight(day, zone):
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone))


def _in_year(birthday, year):
    if (birthday.month, birthday.day) == (2, 29):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return date(year, 2, 29 if leap else 28)
    return birthday.replace(year=year)


def _compares(text, comparison):
    """Whether a text compares as asked; None is an absent one."""
    if text is None:
        return False
    operator, wanted = comparison["operator"], comparison["value"]
    if operator in _NUMBERS:
        number = _number(text)
        return number is not None and _NUMBERS[operator](number, Decimal(str(wanted)))
    return _TEXTS[operator](fold(text), fold(wanted))


def _number(text):
    text = text.strip()
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]{1,2})?", text):
        return Decimal(text)
    return None


_NUMBERS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
_TEXTS = {
    "contains": lambda text, wanted: wanted in text,
    "does_not_contain": lambda text, wanted: wanted not in text,
    "starts_with": lambda text, wanted: text.startswith(wanted),
    "ends_with": lambda text, wanted: text.endswith(wanted),
    "equals": lambda text, wanted: text == wanted,
    "not_equals": lambda text, wanted: text != wanted,
}


def _field(leaf, person, now, zone):
    if leaf["field"] == "birthday":
        wanted = date.fromisoformat(leaf["value"])
        return person.birthday is not None and _NUMBERS[leaf["operator"]](person.birthday, wanted)
    return _compares(person.fields.get(leaf["field"], ""), leaf)


def _field_empty(leaf, person, now, zone):
    if leaf["field"] == "birthday":
        return person.birthday is None
    return person.fields.get(leaf["field"], "") == ""


def _age_of(person, now, zone):
    today = now.astimezone(ZoneInfo(zone)).date()
    years = today.year - person.birthday.year
    return years if _in_year(person.birthday, today.year) <= today else years - 1


def _age(leaf, person, now, zone):
    return _NUMBERS[leaf["operator"]](_age_of(person, now, zone), leaf["value"])


def _age_between(leaf, person, now, zone):
    return leaf["from"] <= _age_of(person, now, zone) <= leaf["to"]


def _birthday(leaf, person, now, zone):
    today = now.astimezone(ZoneInfo(zone)).date()
    if "within_days" in leaf:
        days = range(leaf["within_days"] + 1)
    else:
        days = [{"yesterday": -1, "today": 0, "tomorrow": 1}[leaf["day"]]]
    dates = (today + timedelta(days=day) for day in days)
    return any(day == _in_year(person.birthday, day.year) for day in dates)


def _listed(leaf, person, now, zone):
    return person.fields.get(leaf["type"], "") in leaf["values"]


def _consent(leaf, person, now, zone):
    if leaf["consent"] not in person.agreed:
        return False
    return leaf.get("version") != "current" or person.agreed[leaf["consent"]]


def _group(leaf, person, now, zone):
    inside = [name in person.groups and name != UNBUILT for name in leaf["groups"]]
    return all(inside) if leaf.get("match") == "all" else any(inside)


def _inside(at, now, days):
    return days is None or now - at < timedelta(hours=24 * days)


def _times(person, now, types, leaf):
    return sum(
        doing.type in types
        and _inside(doing.at, now, leaf.get("days"))
        and all(
            _compares(getattr(doing, name), leaf[name])
            for name in ("value", "url", "referrer")
            if name in leaf
        )
        and all(_compares(_property(doing, one["name"]), one) for one in leaf.get("properties", ()))
        and ("channels" not in leaf or doing.channel in leaf["channels"])
        and ("tracked_sites" not in leaf or doing.tracked_site in leaf["tracked_sites"])
        for doing in person.doings
    )


def _property(doing, name):
    value = (doing.properties or {}).get(name)
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _activity(leaf, person, now, zone):
    least, types = leaf.get("at_least", 1), leaf["activities"]
    if leaf.get("match") == "all":
        return all(_times(person, now, [type], leaf) >= least for type in types)
    return _times(person, now, types, leaf) >= least


def _data_input(leaf, person, now, zone):
    asked = {"value": leaf["label"]} if "label" in leaf else {}
    return _times(person, now, ["datainput"], {**asked, "days": leaf.get("days")}) > 0


def _landing_page(leaf, person, now, zone):
    asked = {"url": leaf["url"]} if "url" in leaf else {}
    return _times(person, now, ["landingpage"], {**asked, "days": leaf.get("days")}) > 0


def _inactive(leaf, person, now, zone):
    return not any(_inside(doing.at, now, leaf["days"]) for doing in person.doings)


def _created(leaf, person, now, zone):
    within = _inside(person.created_at, now, leaf["value"])
    return within if leaf["operator"] == "within_days" else not within


def _last_seen(leaf, person, now, zone):
    last = max((doing.at for doing in person.doings), default=None)
    within = last is not None and _inside(last, now, leaf["value"])
    return within if leaf["operator"] == "within_days" else not within


def _email_activity(leaf, person, now, zone):
    return any(
        (mail.template, mail.did, mail.by_robot) == (leaf["template"], leaf["did"], False)
        and _inside(mail.at, now, leaf.get("days"))
        for mail in person.mails
    )


_CONDITIONS = {
    "field": _field,
    "field_empty": _field_empty,
    "age": _age,
    "age_between": _age_between,
    "birthday": _birthday,
    "country": _listed,
    "state": _listed,
    "consent": _consent,
    "group": _group,
    "activity": _activity,
    "data_input": _data_input,
    "landing_page": _landing_page,
    "inactive": _inactive,
    "created": _created,
    "last_seen": _last_seen,
    "email_activity": _email_activity,
}
