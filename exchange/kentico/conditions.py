"""Rules of Kentico as conditions of groups, and the reasons where there is no such condition.

Without a rule, or a part of one, a group is narrower or wider than it was. Wider is dangerous:
people get what they should not. So each translation says whether it lets more people in.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from activities.contact_fields import WIRE_NAMES
from contacts.places import find_country, find_state
from database.letter_case import fold
from exchange.kentico.macros import Branch, Rule
from groups.conditions.members import MOST_DAYS
from groups.rules import InvalidRule, parse

_FIELDS = {wire_name.lower(): name for wire_name, name in WIRE_NAMES.items()}
_TEXT_OPERATORS = {
    "contains": "contains",
    "notcontains": "does_not_contain",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "equals": "equals",
    "notequals": "not_equals",
    # As the words beside them have it.
    "doesnotcontain": "does_not_contain",
    "isequalto": "equals",
    "isnotequalto": "not_equals",
}
_NUMBER_OPERATORS = {"==": "=", "=": "=", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_BIRTHDAYS = {"-1": "yesterday", "0": "today", "1": "tomorrow"}
_TOGGLES = {
    **dict.fromkeys(("", "__is", "is", "has"), False),
    **dict.fromkeys(("!", "__isnot", "isnot", "hasnot"), True),
}
_MATCHES = {"": "any", "false": "any", "any": "any", "true": "all", "all": "all"}

_FORM = "forms are none of the hub's: give the data inputs of the form a label, and use that"
_PAGE = "the hub has no pages with a GUID: use a part of the page's URL"
_EMAIL = "the hub has no emails of Kentico"
_NOW = "no condition depends on the time of day, the weekday or the month alone"
_MEMBER = "the hub has no members of a website"
_GENDER = "contacts have no gender here"
_NO_CONDITION = {
    "CMSContactIsFemale": _GENDER,
    "CMSContactIsMale": _GENDER,
    "CMSContactIsMember": _MEMBER,
    "CMSContactHasBecomeMember": _MEMBER,
    "CMSContactIsInRecipientList": (
        "who receives emails of a list depends on bounces and unsubscriptions; the list itself is "
        "imported as a static group"
    ),
    "CMSContactHasVisitedSpecifiedPageInLastXDays": _PAGE,
    "CMSContactHasVisitedPage": _PAGE,
    "CMSContactHasComeToSpecifiedLandingPage": _PAGE,
    "CMSContactHasSubmittedSpecifiedFormInLastXDays": _FORM,
    "CMSContactHasSubmittedForm": _FORM,
    "CMSContactHasClickedOnLinkInEmailInTheLastXDays": _EMAIL,
    "CMSContactHasClickedOnSpecificEmailUrlInLastXDays": _EMAIL,
    "CMSContactHasClickedOnSpecificEmailUrl": _EMAIL,
    "CMSCurrentDayOfTheWeekIsOneOfSpecifiedDays": _NOW,
    "CMSCurrentDayTimeIsInRange": _NOW,
    "CMSCurrentMonthIs": _NOW,
    "CMSSatisfiesMacroCondition": "macros that were written by hand are not read",
}


class NoCondition(ValueError):
    """A rule for which there is no condition; the message says why."""


@dataclass(frozen=True)
class There:
    """What conditions may name: consents, and groups by what they are called and their GUIDs.

    All names are in one letter case; `partly` are the code names of groups that are not as they
    were.
    """

    consents: Collection[str]
    groups: Mapping[str, str]
    partly: Collection[str]


_NOTHING = There((), {}, ())


@dataclass
class Translation:
    """What became of the rules of one group.

    :ivar rule: the rule of the group, or None if nothing is left
    :ivar reasons: what is not as it was
    :ivar wider: whether the group has more members for that
    """

    rule: dict[str, Any] | None = None
    reasons: list[str] = field(default_factory=list)
    wider: bool = False


def groups_named_by(branch: Branch) -> set[str]:
    """What the rules of `branch` call other groups by, in one letter case."""
    names: set[str] = set()
    for node in branch.nodes:
        if isinstance(node, Branch):
            names |= groups_named_by(node)
        elif _CONDITIONS.get(node.name) is _group:
            with suppress(NoCondition):
                names |= set(map(fold, _Reader(node, _NOTHING).names("groups", "group")))
    return names


def translate(branch: Branch, there: There) -> Translation:
    """The rules of `branch` as the rule of a group."""
    found = Translation()
    node = _node(branch, there, found)
    if node is not None:
        found.rule = node if "conditions" in node else {"match": "all", "conditions": [node]}
    found.reasons = list(dict.fromkeys(found.reasons))
    return found


def _node(node: Rule | Branch, there: There, found: Translation) -> dict[str, Any] | None:
    if isinstance(node, Rule):
        return _leaf(node, there, found)
    below = [_node(one, there, found) for one in node.nodes]
    left = [one for one in below if one is not None]
    if not left:
        return None
    if node.match == "all" and len(left) < len(below):
        found.wider = True
    conditions = [
        inner
        for one in left
        for inner in (one["conditions"] if _goes_into(one, node.match) else [one])
    ]
    return (
        conditions[0] if len(conditions) == 1 else {"match": node.match, "conditions": conditions}
    )


def _goes_into(one: dict[str, Any], match: str) -> bool:
    """Whether the conditions of a tree may as well stand in the tree around it."""
    return "conditions" in one and one["match"] == match


def _leaf(rule: Rule, there: There, found: Translation) -> dict[str, Any] | None:
    try:
        if why := _NO_CONDITION.get(rule.name):
            raise NoCondition(why)
        if rule.name not in _CONDITIONS:
            raise NoCondition("the hub does not know this rule")
        reader = _Reader(rule, there)
        condition = _CONDITIONS[rule.name](reader)
        if reader.toggle():
            condition["negate"] = not condition.pop("negate", False)
        _check(condition)
    except NoCondition as error:
        found.reasons.append(f"{rule.name} was left out: {error}.")
        return None
    found.reasons += (f"{rule.name}: {reason}." for reason in reader.reasons)
    # Whatever is lost of a rule makes those fewer for whom it holds, and the others more.
    found.wider |= bool(reader.reasons) and condition.get("negate", False)
    return condition


def _check(condition: dict[str, Any]) -> None:
    try:
        parse({"match": "all", "conditions": [condition]})
    except InvalidRule as error:
        member = error.path.removeprefix("conditions[0]").lstrip(".")
        raise NoCondition(f"{member}: {error.detail}".rstrip(".")) from None


class _Reader:
    """The parameters of a rule, each by the names that it may have, and what is lost of them."""

    def __init__(self, rule: Rule, there: There):
        self._given = {name.strip("_").lower(): text for name, text in rule.parameters.items()}
        self.there = there
        self.reasons: list[str] = []

    def text(self, *names: str) -> str:
        """A parameter that has to be there, by one of these names."""
        for name in names:
            if name in self._given:
                return self._given[name]
        raise NoCondition(f"it has no parameter “{names[0]}”")

    def toggle(self) -> bool:
        """Whether the rule is turned round: “has not”, “is not”."""
        given = self._given.get("perfectum", self._given.get("is", ""))
        return self._one_of(_TOGGLES, given)

    def match(self) -> str:
        """Whether any of a list has to hold, or all."""
        return self._one_of(_MATCHES, self._given.get("any", ""))

    def operator(self, operators: Mapping[str, str]) -> str:
        """The operator, as the hub calls it."""
        return self._one_of(operators, self.text("op", "operator"))

    def comparison(self) -> dict[str, str]:
        """The operator and the text of a comparison."""
        return {"operator": self.operator(_TEXT_OPERATORS), "value": self.text("value")}

    def field(self) -> str:
        """The name of a contact's field."""
        name = self.text("field").strip()
        if name.lower() not in _FIELDS:
            raise NoCondition(f"contacts have no field “{name[:100]}” here")
        return _FIELDS[name.lower()]

    def days(self) -> dict[str, int]:
        """`days`, which are absent if the rule is about any time."""
        text = self._given.get("days", "").strip()
        days = self._number(text) if text else MOST_DAYS + 1
        if days < 1:
            raise NoCondition(f"{days} days are no time")
        return {"days": days} if days <= MOST_DAYS else {}

    def number(self, *names: str) -> int:
        """A whole number."""
        return self._number(self.text(*names).strip())

    def names(self, *called: str) -> list[str]:
        """A list of names."""
        name, text = called[0], self.text(*called).strip()
        if text.startswith("["):
            try:
                given = [str(one) for one in json.loads(text)]
            except (ValueError, RecursionError):
                raise NoCondition(f"the list “{name}” cannot be read") from None
        else:
            given = re.split(r"[;|\n]", text)
        if not (names := [one.strip() for one in given if one.strip()]):
            raise NoCondition(f"the list “{name}” is empty")
        return names

    def codes(self, names: list[str], find: Callable[[str], str], called: str) -> list[str]:
        """The codes of places; one that is not known is taken out."""
        found = {one: find(one) for one in names}
        if unknown := [one for one in names if not found[one]]:
            if len(unknown) == len(names):
                raise NoCondition(f"no {called} is called {_listed(unknown)}")
            self.reasons.append(f"no {called} is called {_listed(unknown)}, which was left out")
        return [code for code in found.values() if code]

    def consent(self) -> str:
        """The code name of a consent, which may not be there yet."""
        code_name = self.names("consent", "consents")[0]
        if fold(code_name) not in self.there.consents:
            self.reasons.append(
                f"there is no consent “{code_name}”, so nobody agrees to it; add it with this code "
                "name"
            )
        return code_name

    def groups(self) -> list[str]:
        """The code names of groups, which may not be there yet."""
        names = self.names("groups", "group")
        found = [self.there.groups.get(fold(one), "") for one in names]
        if missing := [one for one, there in zip(names, found, strict=True) if not there]:
            self.reasons.append(
                f"there is no contact group {_listed(missing)}, so nobody is in it; add it with "
                "this code name"
            )
        if partly := [one for one in found if one in self.there.partly]:
            self.reasons.append(f"{_listed(partly)} was imported in part only")
        return [there or one for one, there in zip(names, found, strict=True)]

    def _number(self, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", text):
            raise NoCondition(f"“{text[:50]}” is no whole number")
        return int(text)

    def _one_of[T](self, known: Mapping[str, T], given: str) -> T:
        # What was chosen in a list is stored with or without the words beside it.
        key = given.partition(";")[0].strip().replace(" ", "").lower()
        if key not in known:
            raise NoCondition(f"“{given[:50]}” is not known here")
        return known[key]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"“{name[:100]}”" for name in names)


def _field(rule: _Reader) -> dict[str, Any]:
    return {"type": "field", "field": rule.field(), **rule.comparison()}


def _field_empty(rule: _Reader) -> dict[str, Any]:
    return {"type": "field_empty", "field": rule.field()}


def _consent(rule: _Reader) -> dict[str, Any]:
    return {"type": "consent", "consent": rule.consent()}


def _age(rule: _Reader) -> dict[str, Any]:
    operator = rule.operator(_NUMBER_OPERATORS)
    return {"type": "age", "operator": operator, "value": rule.number("age")}


def _age_between(rule: _Reader) -> dict[str, Any]:
    return {
        "type": "age_between",
        "from": rule.number("age1", "from"),
        "to": rule.number("age2", "to"),
    }


def _birthday(rule: _Reader) -> dict[str, Any]:
    day = rule.text("days").strip()
    if day not in _BIRTHDAYS:
        raise NoCondition(f"“{day[:50]}” is neither yesterday nor today nor tomorrow")
    return {"type": "birthday", "day": _BIRTHDAYS[day]}


def _country(rule: _Reader) -> dict[str, Any]:
    names = rule.names("countries", "country")
    return {"type": "country", "values": rule.codes(names, find_country, "country")}


def _state(rule: _Reader) -> dict[str, Any]:
    names = rule.names("states", "state")
    return {"type": "state", "values": rule.codes(names, find_state, "state of the USA")}


def _group(rule: _Reader) -> dict[str, Any]:
    return {"type": "group", "groups": rule.groups(), "match": rule.match()}


def _any_activity(rule: _Reader) -> dict[str, Any]:
    # Longer than there are computers is any time.
    return {"type": "inactive", "days": MOST_DAYS, "negate": True, **rule.days()}


def _inactive(rule: _Reader) -> dict[str, Any]:
    if not rule.text("days").strip():
        raise NoCondition("it does not say for how many days")
    return {"type": "inactive", "days": MOST_DAYS, **rule.days()}


def _activities(rule: _Reader) -> dict[str, Any]:
    names = rule.names("activities", "activity")
    return {"type": "activity", "activities": names, "match": rule.match(), **rule.days()}


def _activity_with_value(rule: _Reader) -> dict[str, Any]:
    names = rule.names("activity", "activities")
    return {"type": "activity", "activities": names, "value": rule.comparison(), **rule.days()}


def _data_input(rule: _Reader) -> dict[str, Any]:
    label = {"operator": "equals", "value": rule.text("label")}
    return {"type": "data_input", "label": label, **rule.days()}


def _page_with_url(rule: _Reader) -> dict[str, Any]:
    url = {"operator": "contains", "value": rule.text("url")}
    return {"type": "activity", "activities": ["pagevisit"], "url": url, **rule.days()}


def _landing_page_with_url(rule: _Reader) -> dict[str, Any]:
    url = {"operator": "contains", "value": rule.text("url")}
    return {"type": "landing_page", "url": url, **rule.days()}


_CONDITIONS: dict[str, Callable[[_Reader], dict[str, Any]]] = {
    "CMSContactFieldContainsValue": _field,
    "CMSContactFieldValueIsEmpty": _field_empty,
    "CMSContactHasAgreedWithConsent": _consent,
    "CMSContactAgeIsGreaterThan": _age,
    "CMSContactAgeIsBetween": _age_between,
    "CMSContactHasBirthday": _birthday,
    "CMSContactIsFromCountry": _country,
    "CMSContactIsFromState": _state,
    "CMSContactIsInContactGroup": _group,
    "CMSContactHasDoneAnyActivityInTheLastXDays": _any_activity,
    "CMSContactInactiveInTheLastXDays": _inactive,
    "CMSContactHasDoneFollowingActivitiesInTheLastXDays": _activities,
    "CMSContactHasPerformedActivityWithValueInTheLastXDays": _activity_with_value,
    "CMSContactHasPerformedCustomActivityWithValue": _activity_with_value,
    "CMSContactHasEnteredDataThroughSpecifiedSourceInTheLastXDays": _data_input,
    "CMSContactHasVisitedPageWithURLInLastXDays": _page_with_url,
    "CMSContactHasComeToLandingPageWithSpecifiedURL": _landing_page_with_url,
}
