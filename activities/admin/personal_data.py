"""What users of the admin do not see of people unless they may see contacts.

A property is personal if a rule of its type says so. Of a payload only what is known to be harmless
is shown, with the structure of the rest.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import partial, reduce
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from django.db.models import Exists, OuterRef

from activities.admin.personal_texts import HIDDEN, hide_in_properties, hide_in_text
from activities.models import Activity, PropertyRule
from database.letter_case import fold

_Path = tuple[str, ...]

# Members whose values describe the activity and its sender, not a person; `_plain` compares.
_HARMLESS = frozenset(
    {
        *("type", "event", "eventname", "action", "status", "codename", "testcode", "version"),
        *("timestamp", "eventtimestamp", "created", "currency", "language", "languagename"),
        *("actid", "siteid", "tcs", "culturecode", "generatorversion", "containerversion"),
    }
)
_HARMLESS_TEXT = re.compile(r"[\w .:+-]{0,100}")
# Of a channel the identifier may be shown, of a value a number that is no phone, of an address
# where on the website it leads.
_CHANNELS = frozenset({"channel"})
_VALUES = frozenset({"value", "eventdata"})
_NUMBER = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,6})?")
_ADDRESSES = frozenset({"url", "u", "referrer", "r", "page", "location", "pageurl"})
# Everything in these is about a person, whatever it is called.
_OBJECTS_OF_CONTACTS = frozenset({"user", "contact", "contactfields", "visitor", "customer"})
# What members are called; another name may be the name of a person.
_NAME = re.compile(r"[\w$ .:-]{1,60}")
_EMAIL = re.compile(r"[^\s@]@[^\s@]")
_GUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
# What forms and queries look like: all of it escaped, but for spaces in values, which senders
# leave as they are. No JSON and no markup is such.
_NAME_IN_FORM, _VALUE_IN_FORM = r"[^\s=&{<]", r"=[^&\r\n{<]*"
FORM = re.compile(rf"{_NAME_IN_FORM}+{_VALUE_IN_FORM}(?:&{_NAME_IN_FORM}*(?:{_VALUE_IN_FORM})?)*")
_ESCAPED_AT_MOST = 5


def has_personal_properties(type_id: str = "type_id") -> Exists:
    """The condition that an activity type, whose id is found so, has a personal property."""
    rules = PropertyRule.objects.filter(activity_type=OuterRef(type_id), is_personal=True)
    return Exists(rules)


def personal_paths(types: Collection[int]) -> dict[int, list[_Path]]:
    """Where the personal properties of these activity types, given by their ids, are."""
    paths: dict[int, list[_Path]] = {}
    for rule in PropertyRule.objects.filter(activity_type__in=types, is_personal=True):
        paths.setdefault(rule.activity_type_id, []).append(_fold(rule.path))
    return paths


def hide_personal_data(
    activity: Activity, personal: Mapping[int, list[_Path]] | None = None
) -> None:
    """Make `activity`, which is not going to be saved, one that shows no personal property.

    Title, value and addresses may have been made of one. What looks like personal data is hidden
    in any case.

    :param personal: the `personal_paths` of its type, if they were asked for already
    """
    known = personal_paths([activity.type_id]) if personal is None else personal
    paths = known.get(activity.type_id, [])
    for name in ("title", "value", "url", "referrer"):
        setattr(activity, name, hide_in_text(getattr(activity, name)))
    activity.properties = hide_in_properties(activity.properties)
    if not paths:
        return
    activity.title = activity.type.name
    for name in ("value", "url", "referrer"):
        setattr(activity, name, getattr(activity, name) and HIDDEN)
    activity.properties = _without(activity.properties, paths)


def personal_names() -> frozenset[str]:
    """The names, in lower case, of the personal properties of any type.

    What was rejected may be of any type.
    """
    rules = PropertyRule.objects.filter(is_personal=True)
    return frozenset(_fold(rule.path)[-1] for rule in rules)


def hide_in_payload(payload: bytes, personal: Iterable[str]) -> bytes:
    """The structure of `payload`, and of its values those that are known to be harmless.

    Members of the names `personal` are not. Nothing of it if it is neither JSON nor a form.
    """
    names = frozenset(personal)
    try:
        return json.dumps(_shape("", json.loads(payload), names)).encode()
    except (ValueError, RecursionError):
        pass  # no JSON, or none any more since it was cut
    text = payload.decode(errors="replace")
    if FORM.fullmatch(text):
        return _shape_of_form(text, names).encode()
    return HIDDEN.encode() if payload else b""


def hide_emails(text: str) -> str:
    """`text`, or nothing of it if there is an email in it."""
    return HIDDEN if _EMAIL.search(_unescaped(text)) else text


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


def _shape(name: str, value: object, personal: frozenset[str]) -> object:
    """What is shown of the value of a member with this name."""
    if isinstance(value, list):
        return [_shape(name, item, personal) for item in value]
    if isinstance(value, dict):
        return {
            _shown_name(member): _shape(_within(name, member, personal), inner, personal)
            for member, inner in value.items()
        }
    if isinstance(value, str) and (inner := _object_in(value)) is not None:
        return json.dumps(_shape(name, inner, personal))
    if value is None or _is_harmless(name, value, personal):
        return value
    if isinstance(value, str) and _plain(name) in _ADDRESSES and fold(name) not in personal:
        return _shape_of_address(value)
    return _described(value)


def _within(name: str, member: str, personal: frozenset[str]) -> str:
    """The name by which a member is judged: of what is about a person, all is."""
    is_about_person = _plain(name) in _OBJECTS_OF_CONTACTS or fold(name) in personal
    return name if is_about_person else member


def _object_in(text: str) -> object | None:
    """The object or array that a text is the JSON of."""
    try:
        inner = json.loads(_unescaped(text))
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict | list) else None


def _is_harmless(name: str, value: object, personal: frozenset[str]) -> bool:
    text, plain = str(value), _plain(name)
    if fold(name) in personal:
        return False
    if plain in _CHANNELS:
        return _GUID.fullmatch(text) is not None
    if plain in _VALUES:
        return _NUMBER.fullmatch(text) is not None
    return plain in _HARMLESS and _HARMLESS_TEXT.fullmatch(text) is not None and not _names(text)


def _shape_of_form(text: str, personal: frozenset[str]) -> str:
    """A form or query; `user[email]` and `user.email` are members of `user`."""
    shown = []
    for name, value in parse_qsl(text, keep_blank_values=True):
        parts = re.split(r"[\[\].]+", name.rstrip("]"))
        judged_by = reduce(partial(_within, personal=personal), parts)
        shown.append((_shown_name(name), _shape(judged_by, value, personal)))
    return urlencode(shown)


def _shape_of_address(text: str) -> str:
    """An address with its host and path, unless these name a person, and no more of its query."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return _described(text)
    where = f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path
    if _names(where):
        return _described(text)
    return f"{where}?{HIDDEN}" if parts.query or parts.fragment or parts.username else where


def _described(value: object) -> str:
    if isinstance(value, str):
        return f"{HIDDEN} ({len(value):,} characters)"
    return f"{HIDDEN} (true or false)" if isinstance(value, bool) else f"{HIDDEN} (a number)"


def _shown_name(name: str) -> str:
    is_name = _NAME.fullmatch(re.sub(r"[\[\]]", ".", name)) is not None
    return name if is_name and not _names(name) else HIDDEN


def _names(text: str) -> bool:
    """Whether an email, or what may be the GUID of a contact, is in `text`."""
    meant = _unescaped(text)
    return bool(_EMAIL.search(meant) or _GUID.search(meant))


def _unescaped(text: str) -> str:
    """`text` without the escapes of URLs, however often they were made."""
    for _ in range(_ESCAPED_AT_MOST):
        if (meant := unquote_plus(text)) == text:
            break
        text = meant
    return text


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _fold(path: _Path) -> _Path:
    return tuple(fold(name) for name in path)
