"""The event specification: what the rules of a type say about the properties of its activities."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec
from django.db import DEFAULT_DB_ALIAS

from activities.formats import matches
from activities.models import ActivityType, PropertyRule
from activities.problems import InvalidActivity, printable
from database.letter_case import fold
from database.questions import Question
from web.bodies import SHORT, decode_members, refuse_very_many_values

_Action = ActivityType.Action
_Kind = PropertyRule.Kind
_Structure = PropertyRule.Structure
_ONE = {
    _Kind.STRING: "a text",
    _Kind.NUMBER: "a number",
    _Kind.BOOLEAN: "true or false",
    _Kind.OBJECT: "an object",
}
_MANY = {
    _Kind.STRING: "texts",
    _Kind.NUMBER: "numbers",
    _Kind.BOOLEAN: "true and false",
    _Kind.OBJECT: "objects",
}
_encoder = msgspec.json.Encoder(order="deterministic")
# What checking an activity takes no interest in is not read.
_TYPE_COLUMNS = [
    field.attname
    for field in ActivityType._meta.concrete_fields
    if field.attname not in ("description", "created_at")
]
_CODE_NAME = _TYPE_COLUMNS.index("code_name")
_COLUMNS_OF_TYPE = ", ".join(f"type.{name}" for name in _TYPE_COLUMNS)
# By name, so that an object comes before what is in it.
_RULES_OF_TYPE = (
    "(SELECT json_agg(rule ORDER BY name)::text FROM activities_propertyrule AS rule"
    " WHERE activity_type_id = type.id)"
)
# Putting such a query together would cost Django more than the answer costs the server.
_TYPES_NAMED = (
    f"SELECT {_COLUMNS_OF_TYPE}, {_RULES_OF_TYPE}, NULL, NULL, NULL"  # noqa: S608 -- our own names
    " FROM activities_activitytype AS type WHERE throughline_fold(code_name) = ANY(%s::text[])"
    f" UNION ALL SELECT {_COLUMNS_OF_TYPE}, {_RULES_OF_TYPE},"
    " throughline_fold(mapped.sent), mapped.door, mapped.channel_id"
    " FROM activities_mappedname AS mapped"
    " JOIN activities_activitytype AS type ON type.id = mapped.type_id"
    " WHERE throughline_fold(mapped.sent) = ANY(%s::text[])"
)
# The types as this process last read them, each with the row that it was made of, by code name.
_last_read: dict[str, tuple[tuple, ActivityType]] = {}
# What is meant by mapped names, as this process last read it. Whatever changes one counts a version
# of the types that it is about: see the trigger activities_count_change_of_mapped_name.
_last_mapped: "dict[str, list[Mapped]]" = {}
# More types than a hub has; a client that makes some up must not fill the memory.
_MOST_REMEMBERED = 10_000
# How many times its size a long property with a rule may take as an object, at most.
_TIMES_WITH_RULES = 25
# So many names of properties without a rule are told.
_TOLD = 3


class Mapped(NamedTuple):
    """The type that is meant by a name; "" and None are every format and every channel."""

    door: str
    channel_id: int | None
    type: ActivityType


class KnownTypes(NamedTuple):
    """The types with some names, given in lower case, and what is meant by mapped names."""

    by_name: dict[str, ActivityType]
    mapped: dict[str, list[Mapped]]

    def of(self, door: str, channel_id: int) -> dict[str, ActivityType]:
        """The types that these names have in activities of one format and channel."""
        if not self.mapped:
            return self.by_name
        types = dict(self.by_name)
        for name, meanings in self.mapped.items():
            if meant := _meant_by(meanings, door, channel_id):
                types[name] = meant
        return types


def types_named(code_names: Collection[str]) -> Question[KnownTypes]:
    """Asks for the types with these code names, given in lower case, with their rules.

    The answer has them by these names. The very same object as before means that nothing changed
    that checking looks at. A name that is mapped counts as what it is mapped to.
    """
    names = list(code_names)
    return Question(_TYPES_NAMED, [names, names], lambda rows: _read_types(rows, code_names))


def _read_types(rows: list[tuple], code_names: Collection[str]) -> KnownTypes:
    known = KnownTypes({}, {})
    for *row, name, door, channel_id in rows:
        activity_type = _read_type(tuple(row))
        if name is None:
            known.by_name[fold(activity_type.code_name)] = activity_type
        else:
            known.mapped.setdefault(name, []).append(Mapped(door, channel_id, activity_type))
    for name in code_names:
        if name not in known.by_name:
            # What is deleted, no activity is to be checked by again.
            _last_read.pop(name, None)
        if name in known.mapped:
            _last_mapped[name] = known.mapped[name]
        else:
            _last_mapped.pop(name, None)
    return known


def _meant_by(meanings: Iterable[Mapped], door: str, channel_id: int | None) -> ActivityType | None:
    """What counts for activities of this format and channel: a channel says more than a format."""
    fitting = [
        one for one in meanings if one.door in ("", door) and one.channel_id in (None, channel_id)
    ]
    best = max(fitting, key=lambda one: (one.channel_id is not None, bool(one.door)), default=None)
    return best.type if best else None


def last_read_types(
    code_names: Collection[str], door: str, channel_id: int
) -> dict[str, ActivityType] | None:
    """The types with these code names, given in lower case, as `types_named` last had them.

    None if it did not have one of them yet.
    """
    try:
        types = {
            name: _last_read[name][1]
            for name in code_names
            if not _last_mapped or name not in _last_mapped
        }
        if len(types) < len(code_names):
            for name in set(code_names) - types.keys():
                meant = _meant_by(_last_mapped[name], door, channel_id)
                types[name] = meant or _last_read[name][1]
    except KeyError:
        return None
    return types


def _read_type(row: tuple) -> ActivityType:
    name = fold(row[_CODE_NAME])
    last_row, activity_type = _last_read.get(name, ((), None))
    if activity_type is None or row != last_row:
        *values, rules = row
        activity_type = ActivityType.from_db(DEFAULT_DB_ALIAS, _TYPE_COLUMNS, values)
        activity_type.rules = [PropertyRule(**rule) for rule in msgspec.json.decode(rules or "[]")]
        if len(_last_read) >= _MOST_REMEMBERED:
            _last_read.clear()
        _last_read[name] = row, activity_type
    return activity_type


def apply_rules(
    activity_type: ActivityType,
    properties: bytes,
    *,
    frame: Collection[str],
    moved: Mapping[str, Any],
    texts_only: bool,
) -> tuple[bytes, tuple[InvalidActivity, ...]]:
    """`properties` without what the rules of the type leave out, and a remark per broken rule.

    Properties in `frame` need no rule. What was `moved` out of the properties, or out of an object
    among them, counts as if it was there. With `texts_only`, a text that is written like a number
    is one, and so are `true` and `false`.

    :raises InvalidActivity: with the first rule for which the activity is to be rejected
    """
    if not activity_type.rules:
        return properties, ()
    try:
        values = _read_properties(
            properties, {rule.path[0] for rule in activity_type.rules} | moved.keys()
        )
    except msgspec.ValidationError as error:  # Python code can give larger numbers than JSON
        raise InvalidActivity("wrong_type", "properties", f"properties: {error}") from None
    # A copy: rules take out of it what they leave out, and a draft may be checked once more.
    for name, value in deepcopy(dict(moved)).items():
        values[name] = value if name not in values else {**values[name], **value}
    remarks = [
        remark
        for rule in activity_type.rules
        for remark in _apply(rule, activity_type, values, texts_only)
    ]
    remarks += _apply_to_unspecified(activity_type, values, frame)
    if not remarks:
        return properties, ()
    for name, value in moved.items():
        _take_back(values, name, value)
    return msgspec.json.encode(values), tuple(remarks)


def _read_properties(properties: bytes, specified: Collection[str]) -> dict[str, Any]:
    """The members of `properties`; of long ones those without a rule as text."""
    if len(properties) <= SHORT:
        return msgspec.json.decode(properties)
    members: dict[str, Any] = dict(decode_members(properties))
    for name in specified & members.keys():
        value = bytes(members[name])
        if len(value) > SHORT:
            refuse_very_many_values(value, times=_TIMES_WITH_RULES)
        members[name] = msgspec.json.decode(value)
    return members


def _apply(
    rule: PropertyRule, activity_type: ActivityType, values: dict[str, Any], texts_only: bool
) -> Iterator[InvalidActivity]:
    owners, name = _owners(values, rule), rule.path[-1]
    # `null` says as much as nothing.
    if rule.required and any(owner.get(name) is None for owner in owners):
        yield _missing(rule, activity_type)
    wrong = [
        owner
        for owner in owners
        if owner.get(name) is not None and not _fits(owner[name], rule, texts_only)
    ]
    if wrong:
        yield _wrong(rule, activity_type)
        if activity_type.on_wrong == _Action.LEAVE_OUT:
            for owner in wrong:
                del owner[name]


def _missing(rule: PropertyRule, activity_type: ActivityType) -> InvalidActivity:
    problem = InvalidActivity("missing_property", rule.name, f"The property {rule} is missing.")
    if activity_type.on_missing == _Action.REJECT:
        raise problem
    return problem


def _wrong(rule: PropertyRule, activity_type: ActivityType) -> InvalidActivity:
    detail = f"The property {rule} must be {_expected(rule)}."
    # Without it, a required one would be missing.
    is_needed = rule.required and activity_type.on_missing == _Action.REJECT
    if activity_type.on_wrong == _Action.REJECT or (
        activity_type.on_wrong == _Action.LEAVE_OUT and is_needed
    ):
        raise InvalidActivity("wrong_property", rule.name, detail)
    if activity_type.on_wrong == _Action.LEAVE_OUT:
        detail += " It was left out."
    return InvalidActivity("wrong_property", rule.name, detail)


def _apply_to_unspecified(
    activity_type: ActivityType, values: dict[str, Any], frame: Collection[str]
) -> list[InvalidActivity]:
    if activity_type.on_unspecified == _Action.ACCEPT:
        return []
    specified = {rule.path[0] for rule in activity_type.rules}
    names = [name for name in values if name not in specified and name not in frame]
    if not names:
        return []
    detail = f"There is no rule for {_listed(names)}."
    if activity_type.on_unspecified == _Action.REJECT:
        raise InvalidActivity("unspecified_property", printable(names[0]), detail)
    for name in names:
        del values[name]
    detail += " It was left out." if len(names) == 1 else " They were left out."
    return [InvalidActivity("unspecified_property", printable(names[0]), detail)]


def _owners(values: dict[str, Any], rule: PropertyRule) -> list[dict[str, Any]]:
    """The objects that have, or should have, the property of the rule."""
    owners = [values]
    for name in rule.path[:-1]:
        owners = [child for owner in owners for child in _objects(owner.get(name))]
    return owners


def _objects(value: object) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [child for item in value for child in _objects(item)]
    return [value] if isinstance(value, dict) else []


def _take_back(values: dict[str, Any], name: str, moved: object) -> None:
    rest = values.pop(name, None)
    if isinstance(rest, dict) and isinstance(moved, dict):
        rest = {key: value for key, value in rest.items() if key not in moved}
        if rest:
            values[name] = rest


def _fits(value: object, rule: PropertyRule, texts_only: bool) -> bool:
    if rule.structure == _Structure.SINGLE:
        return _is_of_kind(value, rule, texts_only)
    if not isinstance(value, list):
        return False
    if not all(_is_of_kind(item, rule, texts_only) for item in value):
        return False
    return rule.structure == _Structure.LIST or len(set(map(_encoder.encode, value))) == len(value)


def _is_of_kind(value: object, rule: PropertyRule, texts_only: bool) -> bool:
    if rule.kind == _Kind.STRING:
        return isinstance(value, str) and (not rule.format or matches(value, rule.format))
    if texts_only and isinstance(value, str):
        value = _read(value)
    if rule.kind == _Kind.NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, bool if rule.kind == _Kind.BOOLEAN else dict)


def _read(text: str) -> object:
    try:
        return msgspec.json.decode(text, type=bool | int | float)
    except msgspec.DecodeError:
        return text


def _expected(rule: PropertyRule) -> str:
    kind = _Kind(rule.kind)
    expected = _ONE[kind]
    if rule.structure != _Structure.SINGLE:
        expected = f"a list of {_MANY[kind]}"
    if rule.structure == _Structure.SET:
        expected += " without repeats"
    return f"{expected} in the format {rule.format[:100]}" if rule.format else expected


def _listed(names: list[str]) -> str:
    told = ", ".join(f"“{printable(name)}”" for name in names[:_TOLD])
    more = len(names) - _TOLD
    return f"{told} and {more:,} more" if more > 0 else told
