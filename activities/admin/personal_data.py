"""What users of the admin do not see of people unless they may see contacts.

A property is personal if a rule of its type says so; of a payload, contact fields are as well.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote_plus, urlencode

from django.db.models import Exists, OuterRef

from activities.contact_fields import WIRE_NAMES
from activities.models import Activity, PropertyRule
from database.letter_case import fold

HIDDEN = "Hidden"
_Path = tuple[str, ...]

# What formats, and the websites that use them, call the fields of a contact; `_plain` compares.
_CONTACT_NAMES = frozenset(
    {
        *(name.lower() for name in WIRE_NAMES),
        *(name.replace("_", "") for name in WIRE_NAMES.values()),
        *("name", "fullname", "surname", "familyname", "givenname", "birthdate", "dateofbirth"),
        *(
            "address",
            "address2",
            "street",
            "postcode",
            "postalcode",
            "zipcode",
            "company",
            "orgname",
        ),
        *("tel", "guid", "userid", "customerid", "visitorid", "cookieid", "ip", "ipaddress"),
    }
)
_PARTS_OF_CONTACT_NAMES = ("email", "phone", "iban")
# Everything in these is about a person, whatever it is called.
_OBJECTS_OF_CONTACTS = frozenset({"user", "contact", "contactfields", "visitor", "customer"})
_EMAIL = re.compile(r"[^\s@]@[^\s@]")
_GUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
# What forms and queries look like: names and values without spaces, all of it escaped.
FORM = re.compile(r"[^\s=&{<]+=[^\s{<]*")


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


def personal_names() -> frozenset[str]:
    """The names, in lower case, of the personal properties of any type.

    What was rejected may be of any type.
    """
    rules = PropertyRule.objects.filter(is_personal=True)
    return frozenset(_fold(rule.path)[-1] for rule in rules)


def hide_in_payload(payload: bytes, names: Iterable[str]) -> bytes:
    """`payload` without what it says of a contact, and what members of these names say.

    Nothing of it if that cannot be told.
    """
    try:
        sent = json.loads(payload)
        if isinstance(sent, dict | list):
            return json.dumps(_without_names(sent, names)).encode()
    except (ValueError, RecursionError):
        pass  # no JSON, or none any more since it was cut
    text = payload.decode(errors="replace")
    if FORM.fullmatch(text):
        fields = parse_qsl(text, keep_blank_values=True)
        return urlencode([(name, _of_form(name, value, names)) for name, value in fields]).encode()
    return HIDDEN.encode() if payload else b""


def hide_emails(text: str) -> str:
    """`text`, or nothing of it if there is an email in it."""
    return HIDDEN if _EMAIL.search(unquote_plus(text)) else text


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
            _shown_name(name): _hidden_member(name, member, names) for name, member in value.items()
        }
    return _hidden_text(value, names) if isinstance(value, str) else value


def _hidden_member(name: str, member: object, names: Iterable[str]) -> object:
    if fold(name) in names:
        return HIDDEN
    plain = _plain(name)
    if plain in _OBJECTS_OF_CONTACTS:
        return _emptied(member)
    is_of_contact = plain in _CONTACT_NAMES or any(p in plain for p in _PARTS_OF_CONTACT_NAMES)
    # Only names are shown of what is in there; an event may be called a “name” as well.
    return _emptied(member) if is_of_contact else _without_names(member, names)


def _of_form(name: str, value: str, names: Iterable[str]) -> object:
    """What is shown of a field of a form; `user[email]` and `user.email` are members of `user`."""
    hidden: object = value
    for part in reversed(re.split(r"[\[\].]+", name.rstrip("]"))):
        hidden = _hidden_member(part, hidden, names)
    return hidden


def _emptied(value: object) -> object:
    """`value` with the names of its members, and nothing else."""
    if isinstance(value, list):
        return [_emptied(item) for item in value]
    if isinstance(value, dict):
        return {_shown_name(name): _emptied(member) for name, member in value.items()}
    return HIDDEN


def _shown_name(name: str) -> str:
    return HIDDEN if _EMAIL.search(name) or _GUID.search(name) else name


def _hidden_text(text: str, names: Iterable[str]) -> str:
    # A text can be a query, or JSON again.
    meant = unquote_plus(text)
    if _EMAIL.search(meant) or _GUID.search(meant):
        return HIDDEN
    return HIDDEN if any(name in fold(meant) for name in _names_in_texts(names)) else text


def _names_in_texts(names: Iterable[str]) -> Iterable[str]:
    return (*names, *(name.lower() for name in WIRE_NAMES), *_PARTS_OF_CONTACT_NAMES)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _fold(path: _Path) -> _Path:
    return tuple(fold(name) for name in path)
