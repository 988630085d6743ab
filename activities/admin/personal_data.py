"""What readers of the admin do not see of personal properties who may not see contacts.

A property is personal if a rule of its type says so.
"""

import json
from collections.abc import Iterable

from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from activities.models import Activity, PropertyRule
from contacts.admin.naming import may_see_contacts
from database.letter_case import fold

HIDDEN = "Hidden"
_Path = tuple[str, ...]


def has_personal_properties() -> Exists:
    """The condition that the type of an activity has a personal property."""
    rules = PropertyRule.objects.filter(activity_type=OuterRef("type_id"), is_personal=True)
    return Exists(rules)


def hide_personal_data(activity: Activity) -> None:
    """Make `activity`, which is not going to be saved, one that shows no personal property.

    Title, value and addresses may have been made of one.
    """
    rules = PropertyRule.objects.filter(activity_type=activity.type_id, is_personal=True)
    paths = [_fold(rule.path) for rule in rules]
    if not paths:
        return
    activity.title = activity.type.name
    for name in ("value", "url", "referrer"):
        setattr(activity, name, getattr(activity, name) and HIDDEN)
    activity.properties = _without(activity.properties, paths)


def personal_names(request: HttpRequest) -> frozenset[str]:
    """The names, in lower case, of properties that whoever asks may see of no payload at all.

    What was rejected may be of any type.
    """
    if may_see_contacts(request):
        return frozenset()
    rules = PropertyRule.objects.filter(is_personal=True)
    return frozenset(_fold(rule.path)[-1] for rule in rules)


def hide_in_payload(payload: bytes, names: Iterable[str]) -> bytes:
    """`payload` without what members of these names say; nothing of it if that cannot be told."""
    try:
        sent = json.loads(payload)
        if isinstance(sent, dict | list):
            return json.dumps(_without_names(sent, names)).encode()
    except (ValueError, RecursionError):
        pass  # no JSON, or none any more since it was cut
    return HIDDEN.encode() if payload else b""


def _without(value: object, paths: list[_Path]) -> object:
    if isinstance(value, list):
        return [_without(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, member, paths) for name, member in value.items()}


def _member(name: str, member: object, paths: list[_Path]) -> object:
    rest = [path[1:] for path in paths if path[0] == fold(name)]
    if () in rest:
        return HIDDEN
    return _without(member, rest) if rest else member


def _without_names(value: object, names: Iterable[str]) -> object:
    if isinstance(value, list):
        return [_without_names(item, names) for item in value]
    if isinstance(value, dict):
        return {
            name: HIDDEN if fold(name) in names else _without_names(member, names)
            for name, member in value.items()
        }
    # A text can be a query, or JSON again.
    if isinstance(value, str) and any(name in fold(value) for name in names):
        return HIDDEN
    return value


def _fold(path: _Path) -> _Path:
    return tuple(fold(name) for name in path)
