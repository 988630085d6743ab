"""Corrects what would be refused, as users of the hub have decided.

A draft is corrected only after it was found wrong, so nothing of this costs those that are right.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import structs

from activities.contact_fields import WIRE_NAMES
from activities.drafts import MAX_TEXT, Draft
from activities.problems import InvalidActivity
from activities.repairs import Correction
from contacts.places import find_country
from contacts.profile import max_length_of
from database.letter_case import fold
from database.questions import Question

_Action = Correction.Action
# What activities are refused for that says which field is wrong.
CODES_OF_PROPERTIES = frozenset({"missing_property", "wrong_property", "unspecified_property"})
CORRECTABLE: dict[str, tuple[Correction.Action, ...]] = {
    "too_long": (_Action.CUT, _Action.REPLACE, _Action.DROP),
    "wrong_type": (_Action.TEXT, _Action.DROP),
    "bad_text": (_Action.CLEAN, _Action.DROP),
    "missing_value": (_Action.DEFAULT,),
    "missing_url": (_Action.DEFAULT,),
    "missing_property": (_Action.DEFAULT,),
    "wrong_property": (_Action.NUMBER, _Action.TEXT, _Action.REPLACE, _Action.DROP),
    "unspecified_property": (_Action.DROP,),
    "bad_timestamp": (_Action.DROP,),
    "bad_id": (_Action.DROP,),
    "bad_email": (_Action.REPLACE, _Action.DROP),
    "bad_date": (_Action.REPLACE, _Action.DROP),
    "bad_country": (_Action.COUNTRY, _Action.REPLACE, _Action.DROP),
    "bad_state": (_Action.REPLACE, _Action.DROP),
}
# More than one activity can need.
_MOST_ROUNDS = 10
# The members of a draft by what they are called in errors.
_MEMBERS = {
    "value": "value",
    "title": "title",
    "url": "url",
    "referrer": "referrer",
    "timestamp": "occurred_at",
    "id": "client_id",
    "properties": "properties",
    "contactFields": "contact_fields",
}
_FIELDS = {fold(wire_name): name for wire_name, name in WIRE_NAMES.items()}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
# Thousands are apart by one sign; what is behind another one, if anything, is the rest.
_GROUPED = re.compile(
    r"(?P<whole>[+-]?[0-9]{1,3}(?P<sign>[.,])[0-9]{3}(?:(?P=sign)[0-9]{3})*)"
    r"(?:(?!(?P=sign))[.,](?P<rest>[0-9]+)|(?<=[.,][0-9]{3}[.,][0-9]{3}))"
)
# Between thousands: spaces of several kinds, and apostrophes.
_BETWEEN_THOUSANDS = re.compile(r"[\s\u00a0\u2009\u202f'\u2019]")
_MISSING: Any = object()


class Rule(msgspec.Struct, frozen=True):
    """A correction as recording knows it."""

    code: str
    field: str
    type_id: int | None
    channel_id: int | None
    door: str
    action: str
    text: str


def enabled_corrections() -> Question[list[Rule]]:
    """Asks for the corrections that count, those for few activities first.

    What is corrected may be wrong in another way, so all of them are asked for.
    """
    return Question(
        "SELECT code, field, type_id, channel_id, door, action, text FROM activities_correction"
        " WHERE enabled"
        " ORDER BY type_id IS NULL, channel_id IS NULL, door = '', id",
        [],
        lambda rows: [Rule(*row) for row in rows],
    )


def correct[Checked](
    draft: Draft,
    problem: InvalidActivity,
    check: Callable[[Draft], Checked],
    rules: Iterable[Rule],
) -> Checked | InvalidActivity:
    """What `draft`, which was refused for `problem`, comes to once it is corrected by `rules`.

    `rules` are those for its type and its sender. It is checked again after each; what cannot be
    corrected is refused for what is still wrong.
    """
    unused = list(rules)
    for _ in range(_MOST_ROUNDS):
        rule = next((one for one in unused if _fits(one, problem)), None)
        if rule is None:
            return problem
        unused.remove(rule)
        corrected = _apply(rule, draft)
        if corrected is None:
            continue
        draft = corrected
        try:
            return check(draft)
        except InvalidActivity as still:
            problem = still.with_traceback(None)
    return problem


def _fits(rule: Rule, problem: InvalidActivity) -> bool:
    return rule.code == problem.code and rule.field == problem.field


def _apply(rule: Rule, draft: Draft) -> Draft | None:
    """The draft as the rule corrects it, with a remark that says so; None if it cannot."""
    try:
        corrected = _with_field(draft, rule)
    except (TypeError, ValueError, RecursionError):
        return None
    if corrected is None:
        return None
    done = Correction.Action(rule.action).label
    remark = InvalidActivity(
        "corrected", rule.field[:100], f"{rule.field}, corrected here: {done}."
    )
    return structs.replace(corrected, remarks=(*draft.remarks, remark))


def _with_field(draft: Draft, rule: Rule) -> Draft | None:
    if rule.code in CODES_OF_PROPERTIES:
        properties = _with_property(draft.properties, rule)
        return None if properties is None else structs.replace(draft, properties=properties)
    if member := _MEMBERS.get(rule.field):
        given = getattr(draft, member)
        value = _corrected(_MISSING if given is None else given, rule)
        if value is None:
            return None
        return structs.replace(draft, **{member: None if value is _MISSING else value})
    if fold(rule.field) not in _FIELDS or not isinstance(draft.contact_fields, dict):
        return None
    return _with_contact_field(draft, rule)


def _with_contact_field(draft: Draft, rule: Rule) -> Draft | None:
    fields: dict[Any, Any] = dict(draft.contact_fields)  # type: ignore[call-overload]
    for name in [one for one in fields if fold(str(one)) == fold(rule.field)]:
        value = _corrected(fields[name], rule)
        if value is None:
            return None
        if value is _MISSING:
            del fields[name]
        else:
            fields[name] = value
    return structs.replace(draft, contact_fields=fields)


def _with_property(given: object, rule: Rule) -> dict[str, Any] | None:
    """The properties with the one that the rule is about corrected, wherever it stands."""
    if isinstance(given, msgspec.Raw):
        given = msgspec.json.decode(given)
    properties = msgspec.json.decode(msgspec.json.encode(given or {}))
    if not isinstance(properties, dict):
        return None
    # What has no rule is no path, whatever its name is.
    is_name = rule.code == "unspecified_property" or rule.field in properties
    path = (rule.field,) if is_name else tuple(rule.field.split("."))
    changed = [_change(owner, path[-1], rule) for owner in _owners(properties, path[:-1])]
    return properties if any(changed) else None


def _change(owner: dict[str, Any], name: str, rule: Rule) -> bool:
    given = owner.get(name)
    value = _corrected(_MISSING if given is None else given, rule)
    if value is None:
        return False
    if value is _MISSING:
        return owner.pop(name, _MISSING) is not _MISSING
    owner[name] = value
    return True


def _owners(values: object, path: Sequence[str]) -> list[dict[str, Any]]:
    if isinstance(values, list):
        return [owner for one in values for owner in _owners(one, path)]
    if not isinstance(values, dict):
        return []
    return _owners(values.get(path[0]), path[1:]) if path else [values]


def _corrected(value: Any, rule: Rule) -> Any:
    """What the value becomes: None if the rule does not help, `_MISSING` if it goes."""
    if rule.action == _Action.DROP:
        return _MISSING
    if rule.action == _Action.DEFAULT:
        return rule.text if value is _MISSING or value == "" else None
    if value is _MISSING:
        return None
    if isinstance(value, list) and rule.code in CODES_OF_PROPERTIES:
        items = [_corrected(item, rule) for item in value]
        return [item if new is None else new for item, new in zip(value, items, strict=True)]
    return _TO[rule.action](value, rule)


def _cut(value: object, rule: Rule) -> str | None:
    if not isinstance(value, str):
        return None
    name = _FIELDS.get(fold(rule.field))
    return value.strip()[: max_length_of(name) if name else MAX_TEXT]


def _clean(value: Any, rule: Rule) -> Any:
    if isinstance(value, msgspec.Raw):
        value = msgspec.json.decode(value)
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_clean(item, rule) for item in value]
    if isinstance(value, dict):
        return {_clean(name, rule): _clean(one, rule) for name, one in value.items()}
    return value


def _number(value: object, rule: Rule) -> int | float | None:
    if not isinstance(value, str):
        return None
    text = _BETWEEN_THOUSANDS.sub("", value)
    if grouped := _GROUPED.fullmatch(text):
        whole = re.sub("[.,]", "", grouped["whole"])
        text = f"{whole}.{grouped['rest']}" if grouped["rest"] else whole
    text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _text(value: object, rule: Rule) -> str | None:
    if isinstance(value, bool | int | float):
        return msgspec.json.encode(value).decode()
    return None


def _country(value: object, rule: Rule) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return find_country(text) or None


def _replaced(value: object, rule: Rule) -> str | None:
    text = value if isinstance(value, str) else _text(value, rule)
    return None if text is None else replacements(rule.text).get(text.strip())


def replacements(text: str) -> dict[str, str]:
    """What each value is replaced by, of the lines of a correction such as `UK = GBR`."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {sent.strip(): stored.strip() for sent, _, stored in pairs}


_TO: dict[str, Callable[[Any, Rule], Any]] = {
    _Action.CUT: _cut,
    _Action.CLEAN: _clean,
    _Action.NUMBER: _number,
    _Action.TEXT: _text,
    _Action.COUNTRY: _country,
    _Action.REPLACE: _replaced,
}


def rules_for(rules: Iterable[Rule], *, type_id: int, channel_id: int, door: str) -> list[Rule]:
    """Those of `rules` that are for activities of this type and sender."""
    return [
        rule
        for rule in rules
        if rule.type_id in (None, type_id)
        and rule.channel_id in (None, channel_id)
        and rule.door in ("", door)
    ]
