"""What looks like personal data in an activity, whatever the rules of its type say.

Websites put emails into addresses, and applications put names into properties, of which nobody has
said that they are personal. Users who may not see contacts do not see these either.
"""

import re

from django.db.models import Func, Value
from django.db.models.expressions import Combinable

from database.letter_case import fold

HIDDEN = "Hidden"

# PostgreSQL reads these as Python does.
_EMAIL = r"""[^\s@/?&=:;,'"<>()#]+(?:@|%40)[^\s@/?&=:;,'"<>()#]+"""
_PHONE = r"(?:\+|%2B)[0-9][0-9 ()./-]{6,18}[0-9]"
_ABOUT_PERSONS = (
    *("email", "emailaddress", "mail", "phone", "phonenumber", "mobile", "mobilephone"),
    *("privatephone", "businessphone", "tel", "telephone", "firstname", "lastname"),
    *("middlename", "surname", "givenname", "familyname", "fullname", "username", "birthday"),
    *("birthdate", "dateofbirth", "dob", "address", "address1", "street", "iban", "ssn"),
)
# In addresses and in what is about a person, a name is that of the person.
_NAMES = (*_ABOUT_PERSONS, "name", "company", "companyname", "zip", "notes")
_SEPARATED = "|".join(re.sub(r"(?<=.)(?=.)", "[-_.]?", name) for name in _NAMES)
_PARAMETER = rf"([?&;#](?:[a-z]+(?:\[|%5B))?(?:{_SEPARATED})(?:\]|%5D)?=)[^&;#\s]+"
_OBJECTS = frozenset({"user", "contact", "contactfields", "visitor", "customer", "person"})

_PATTERNS = ((_PARAMETER, rf"\1{HIDDEN}"), (_EMAIL, HIDDEN), (_PHONE, HIDDEN))
_COMPILED = [(re.compile(one, re.IGNORECASE), instead) for one, instead in _PATTERNS]


def hide_in_text(text: str) -> str:
    """`text` without emails and phone numbers, and without what addresses tell of a person."""
    for pattern, instead in _COMPILED:
        text = pattern.sub(instead, text)
    return text


def hidden_in_text(text: Combinable) -> Combinable:
    """The same in SQL."""
    for pattern, instead in _PATTERNS:
        text = Func(text, Value(pattern), Value(instead), Value("gi"), function="regexp_replace")
    return text


def hide_in_properties(value: object, *, about_person: bool = False) -> object:
    """Properties, or one of them, without what is about a person by its name or looks so."""
    if isinstance(value, str):
        return hide_in_text(value)
    if isinstance(value, list):
        return [hide_in_properties(item, about_person=about_person) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        hide_in_text(name): _member(_plain(name), member, about_person)
        for name, member in value.items()
    }


def _member(name: str, value: object, about_person: bool) -> object:
    names = _NAMES if about_person else _ABOUT_PERSONS
    if name in names and value not in (None, "") and not isinstance(value, dict):
        return HIDDEN
    return hide_in_properties(value, about_person=about_person or name in _OBJECTS)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", fold(name))
