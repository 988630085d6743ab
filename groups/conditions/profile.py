"""Conditions on the fields of a contact, and on when it was created."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone

from contacts.models import Contact
from contacts.places import country_names, state_names
from contacts.profile import FIELDS
from groups.conditions.base import Condition, Scene, register
from groups.conditions.members import NUMBER_OPERATORS, TEXT_OPERATORS, Members
from groups.conditions.texts import compare
from groups.conditions.wording import a_, any_of, counted, quoted, said_comparison
from groups.formulas import Column, Fact, Formula, Statement, negated, of, put
from groups.names import Known
from groups.trees import InvalidRule

# Fields whose texts may be compared as numbers.
WITH_NUMBERS = ("zip", "mobile_phone", "business_phone", "notes")
_DATE_OPERATORS = {
    "=": "is",
    "!=": "is not",
    ">": "is after",
    ">=": "is on or after",
    "<": "is before",
    "<=": "is on or before",
}
# Places that English calls by their names with an article: “the Netherlands”.
_COUNTRIES_WITH_ARTICLE = frozenset({
    "ALA", "ARE", "ATF", "BHS", "CAF", "CCK", "COG", "COK", "COM", "CYM", "DOM",
    "FLK", "FRO", "GBR", "GMB", "IMN", "IOT", "MDV", "MHL", "MNP", "NLD", "PHL",
    "RUS", "SLB", "SYC", "TCA", "UMI", "USA", "VAT", "VGB", "VIR",
})  # fmt: skip
_STATES_WITH_ARTICLE = frozenset({"DC", "MH", "MP", "UM", "VI"})
_OLDEST = 200
_DAYS_OF_A_YEAR = 366


def title_of(field: str) -> str:
    """What the admin calls a field of contacts."""
    name = str(Contact._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
    return name if name.isupper() else name.lower()


class OfField(Condition):
    """What conditions on one field have in common: behind them is the change that set it last."""

    def field_of(self, members: Mapping[str, Any]) -> str:
        """Which field it is."""
        return members["field"]

    def fields(self, members: Mapping[str, Any]) -> Collection[str]:
        return (self.field_of(members),)

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        field = self.field_of(members)
        change = put(
            "SELECT 'change', change.id, change.at, change.after ->> {}, 1"
            " FROM contacts_contactchange AS change"
            " WHERE change.contact_id = s.contact_id AND change.after ? {}"
            " ORDER BY change.at DESC, change.id DESC LIMIT 1",
            *(field, field),
        )
        return (change,)

    def told(self, members: Mapping[str, Any], text: str) -> str:
        title = title_of(self.field_of(members))
        became = f"became {quoted(text)}" if text else "was emptied"
        return f"{title[0].upper()}{title[1:]} {became}"


class Field(OfField):
    """A field compares with a value as asked."""

    type = "field"
    title = "A field has a value"

    def read(self, members: Members) -> dict[str, Any]:
        field = members.choice("field", FIELDS)
        if field != "birthday":
            return {"field": field, **members.compared(numbers=field in WITH_NUMBERS)}
        operator = members.required("operator")
        if isinstance(operator, str) and operator in TEXT_OPERATORS:
            raise InvalidRule(
                members.path_of("operator"),
                f"A birthday is a date. Use one of: {', '.join(_DATE_OPERATORS)}.",
            )
        operator = members.choice("operator", _DATE_OPERATORS)
        return {"field": field, "operator": operator, "value": _date(members)}

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        field, operator, value = members["field"], members["operator"], members["value"]
        if field == "birthday":
            sign = "<>" if operator == "!=" else operator
            return Fact(Column(put(f"c.birthday {sign} {{}}::date", value)))
        holds = compare(f"c.{field}", members)
        return Fact(Column(holds, on_blank=_compares_with_nothing(operator, value)))

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        field, operator, value = members["field"], members["operator"], members["value"]
        if field == "birthday":
            said = f"{_DATE_OPERATORS[operator]} {value}"
        else:
            said = said_comparison(operator, value)
        return f"{'does not have' if negate else 'has'} {a_(title_of(field))} that {said}"


class FieldEmpty(OfField):
    """A field has no value."""

    type = "field_empty"
    title = "A field is empty"

    def read(self, members: Members) -> dict[str, Any]:
        return {"field": members.choice("field", FIELDS)}

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        field = members["field"]
        sql = "c.birthday IS NULL" if field == "birthday" else f"c.{field} = ''"
        return Fact(Column(Statement(sql), on_blank=True))

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        title = title_of(members["field"])
        return f"has {a_(title)}" if negate else f"has no {title}"


class OfBirthday(OfField):
    """What conditions on the birthday have in common: an unknown birthday never matches."""

    @abstractmethod
    def turned(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        """The formula of contacts whose birthday is known."""

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        return of("all", [_BIRTHDAY_IS_KNOWN, self.turned(members, scene)])

    def negation(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        return of("all", [_BIRTHDAY_IS_KNOWN, negated(self.turned(members, scene))])

    def field_of(self, members: Mapping[str, Any]) -> str:
        return "birthday"


class Age(OfBirthday):
    """The age in whole years compares with a number as asked."""

    type = "age"
    title = "Age"

    def read(self, members: Members) -> dict[str, Any]:
        operator = members.choice("operator", NUMBER_OPERATORS)
        return {"operator": operator, "value": members.whole("value", 0, _OLDEST)}

    def turned(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        value = members["value"]
        match members["operator"]:
            case "=":
                return _aged(value, value, scene)
            case "!=":
                return negated(_aged(value, value, scene))
            case ">":
                return _aged(value + 1, None, scene)
            case ">=":
                return _aged(value, None, scene)
            case "<":
                return _aged(None, value - 1, scene)
        return _aged(None, value, scene)

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        said = f"{NUMBER_OPERATORS[members['operator']]} {members['value']}"
        return f"{'does not have' if negate else 'has'} an age that {said}"


class AgeBetween(OfBirthday):
    """The age in whole years is between two numbers, or one of them."""

    type = "age_between"
    title = "Age between"

    def read(self, members: Members) -> dict[str, Any]:
        least, most = members.whole("from", 0, _OLDEST), members.whole("to", 0, _OLDEST)
        if least > most:
            raise InvalidRule(members.path_of("to"), "Must not be less than “from”.")
        return {"from": least, "to": most}

    def turned(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        return _aged(members["from"], members["to"], scene)

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        not_ = "not " if negate else ""
        return f"is {not_}between {members['from']} and {members['to']} years old"


class Birthday(OfBirthday):
    """The birthday is on one of some days around today."""

    type = "birthday"
    title = "Birthday"

    _DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}

    def read(self, members: Members) -> dict[str, Any]:
        if members.has("within_days"):
            if members.has("day"):
                raise InvalidRule(members.path_of("day"), "Give day or within_days, not both.")
            return {"within_days": members.whole("within_days", 1, _DAYS_OF_A_YEAR)}
        return {"day": members.choice("day", self._DAYS)}

    def turned(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        first_day = self._DAYS[members["day"]] if "day" in members else 0
        last_day = members.get("within_days", first_day)
        today = _today(scene)
        first, last = today + timedelta(days=first_day), today + timedelta(days=last_day)
        # The next birthday from the first of these days on.
        this_year, next_year = _birthday_in(first.year), _birthday_in(first.year + 1)
        soonest = put(
            "CASE WHEN {} >= {}::date THEN {} ELSE {} END", this_year, first, this_year, next_year
        )
        holds = put("{} <= {}::date", soonest, last)
        # It holds until the day after the birthday is the first, or from when it is the last.
        before = f"CASE WHEN {{}} THEN {first_day - 1} ELSE {last_day} END"
        turning = put(f"{{}} - {before}", soonest, holds)
        return Fact(Column(holds, due=_midnight(turning), begins=True, ends=True))

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        has = "has a birthday that is not" if negate else "has a birthday that is"
        if "day" in members:
            return f"{has} {members['day']}"
        return f"{has} within the next {counted(members['within_days'], 'day')}"


class Listed(OfField):
    """A field with a code is one of several; an empty one is none."""

    field: ClassVar[str]
    called: ClassVar[str]
    # Codes of names that stand with “the” in a sentence.
    with_article: ClassVar[frozenset[str]]

    @abstractmethod
    def known_codes(self) -> Mapping[str, str]:
        """Names by their codes."""

    def read(self, members: Members) -> dict[str, Any]:
        return {"values": members.codes("values", self.known_codes(), called=self.called)}

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        values = tuple(members["values"])
        return Fact(Column(put(f"c.{self.field} = ANY({{}}::text[])", values)))

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        places = any_of([self._place(code) for code in members["values"]])
        return f"is {'not ' if negate else ''}from {places}"

    def _place(self, code: str) -> str:
        name = self.known_codes().get(code, code)
        return f"the {name}" if code in self.with_article else name

    def field_of(self, members: Mapping[str, Any]) -> str:
        return self.field


class Country(Listed):
    """The country is one of several."""

    type = "country"
    title = "Country"
    field = "country"
    called = "three-letter country code of ISO 3166-1, such as USA or DEU"
    with_article = _COUNTRIES_WITH_ARTICLE

    def known_codes(self) -> Mapping[str, str]:
        return country_names()


class State(Listed):
    """The US state is one of several."""

    type = "state"
    title = "State"
    field = "state"
    called = "two-letter code of a US state, such as CA"
    with_article = _STATES_WITH_ARTICLE

    def known_codes(self) -> Mapping[str, str]:
        return state_names()


class Created(Condition):
    """The contact was created within some days, or before them."""

    type = "created"
    title = "Created"

    def read(self, members: Members) -> dict[str, Any]:
        return read_age(members)

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        hours = members["value"] * 24
        inside = put("c.created_at > {}::timestamptz", since(members["value"], scene))
        within = Fact(
            Column(
                inside,
                due=put(
                    f"CASE WHEN {{}} THEN c.created_at + {hours} * interval '1 hour' END", inside
                ),
                ends=True,
                on_blank=True,
            )
        )
        return within if members["operator"] == "within_days" else negated(within)

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        return (
            Statement(
                "SELECT 'contact', c.id, c.created_at, 'Created', 1"
                " FROM contacts_contact AS c WHERE c.id = s.contact_id"
            ),
        )

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        return f"was {'not ' if negate else ''}created {said_age(members)}"


def read_age(members: Members) -> dict[str, Any]:
    """`within_days` or `before_days`, and how many."""
    operator = members.choice("operator", ("within_days", "before_days"))
    return {"operator": operator, "value": members.days("value")}


def said_age(members: Mapping[str, Any]) -> str:
    """The same in words."""
    days = counted(members["value"], "day")
    within = members["operator"] == "within_days"
    return f"within the last {days}" if within else f"more than {days} ago"


def since(days: int, scene: Scene) -> datetime:
    """What happened later than this was within so many days."""
    return scene.now - timedelta(days=days)


def _date(members: Members) -> str:
    value = members.required("value")
    # YAML reads a date without quotes as one.
    if type(value) is date:
        return value.isoformat()
    text = members.text("value")
    try:
        if len(text) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        path = members.path_of("value")
        raise InvalidRule(path, "Must be a date written YYYY-MM-DD.") from None


def _compares_with_nothing(operator: str, value: Any) -> bool:
    """Whether an empty text compares so."""
    if operator in ("does_not_contain", "not_equals"):
        return value != ""
    return operator == "equals" and value == ""


def _aged(least: int | None, most: int | None, scene: Scene) -> Formula:
    """The formula of an age from `least` to `most` years, both included; None is no limit."""
    today = _today(scene)
    holds, turns = [], []
    if least is not None:
        comes = Statement(f"(c.birthday + interval '{least} years')::date")
        holds.append(put("{} <= {}::date", comes, today))
        turns.append(put("WHEN {} > {}::date THEN {}", comes, today, _midnight(comes)))
    if most is not None:
        goes = Statement(f"(c.birthday + interval '{most + 1} years')::date")
        holds.append(put("{} > {}::date", goes, today))
        turns.append(put("WHEN {} > {}::date THEN {}", goes, today, _midnight(goes)))
    return Fact(
        Column(
            put(" AND ".join("{}" for _ in holds), *holds),
            due=put(f"CASE {' '.join('{}' for _ in turns)} END", *turns),
            begins=least is not None,
            ends=most is not None,
        )
    )


def _today(scene: Scene) -> date:
    # Of the hub, whatever the zone of a user who asks.
    return timezone.localdate(scene.now, timezone.get_default_timezone())


def _birthday_in(year: int) -> Statement:
    # PostgreSQL has the 28th for a 29 February in other years.
    return put(
        "(c.birthday + make_interval(years => {} - extract(year FROM c.birthday)::int))::date", year
    )


def _midnight(day: Statement) -> Statement:
    """When a day begins where the hub is. Where that hour comes twice, the first time counts."""
    zone = settings.TIME_ZONE
    midnight = put("(({})::timestamp AT TIME ZONE {})", day, zone)
    return put(
        "CASE WHEN ({} - interval '1 hour') AT TIME ZONE {} >= ({})::timestamp"
        " THEN {} - interval '1 hour' ELSE {} END",
        *(midnight, zone, day, midnight, midnight),
    )


_BIRTHDAY_IS_KNOWN = Fact(Column(Statement("c.birthday IS NOT NULL")))

for condition in (Field, FieldEmpty, Age, AgeBetween, Birthday, Country, State, Created):
    register(condition())
