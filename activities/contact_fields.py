"""The contact fields of a data input: their names on the wire, and what they may hold."""

import re
from collections.abc import Callable
from datetime import date

from django.core.exceptions import ValidationError

from activities.problems import InvalidActivity
from contacts.birthdays import EARLIEST_BIRTHDAY, is_credible_birthday
from contacts.codes import as_code
from contacts.emails import check_email, unseen_character
from contacts.models import Contact
from contacts.places import country_names, state_names

# Name on the wire -> name of the model's field.
WIRE_NAMES = {
    "ContactEmail": "email",
    "ContactFirstName": "first_name",
    "ContactMiddleName": "middle_name",
    "ContactLastName": "last_name",
    "ContactBirthday": "birthday",
    "ContactMobilePhone": "mobile_phone",
    "ContactBusinessPhone": "business_phone",
    "ContactCompanyName": "company_name",
    "ContactJobTitle": "job_title",
    "ContactAddress1": "address1",
    "ContactCity": "city",
    "ContactZIP": "zip",
    "ContactCountry": "country",
    "ContactState": "state",
    "ContactNotes": "notes",
}
_FIELDS = {wire_name.lower(): name for wire_name, name in WIRE_NAMES.items()}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_LENGTHS = {
    name: Contact._meta.get_field(name).max_length  # type: ignore[union-attr]
    for name in WIRE_NAMES.values()
    if name not in ("birthday", "country", "state", "notes")
}


def check_contact_fields(given: object) -> dict[str, str]:
    """What `given` says about a contact, by the names of the model, upper-cased where it matters.

    Names match in any letter case, those that are none of ours are ignored, and so is "".

    :raises InvalidActivity: naming the field that is wrong
    """
    if not isinstance(given, dict):
        raise InvalidActivity("wrong_type", "contactFields", "contactFields must be an object.")
    fields = {}
    for wire_name, value in given.items():
        name = _FIELDS.get(str(wire_name).lower())
        if name is None:
            continue
        if not isinstance(value, str):
            raise InvalidActivity(
                "wrong_type", wire_name, f"{wire_name} must be a string; leave it out or send “”."
            )
        if value := value.strip():
            fields[name] = _check_value(wire_name, name, value)
    _check_state_against_country(fields)
    return fields


def _check_value(wire_name: str, name: str, value: str) -> str:
    if "\0" in value:
        raise InvalidActivity("bad_text", wire_name, f"{wire_name} contains a NUL character.")
    max_length = MAX_LENGTHS.get(name)
    if max_length is not None and len(value) > max_length:
        raise InvalidActivity(
            "too_long", wire_name, f"{wire_name} may have at most {max_length} characters."
        )
    check = _CHECKS.get(name)
    return check(wire_name, value) if check else value


def _check_email(wire_name: str, value: str) -> str:
    if unseen := unseen_character(value):
        detail = f"{wire_name} has a character that nobody sees: {unseen}. Remove it."
        raise InvalidActivity("bad_email", wire_name, detail)
    try:
        check_email(value)
    except ValidationError:
        raise InvalidActivity(
            "bad_email", wire_name, f"{wire_name} is not an email address."
        ) from None
    return value


def _check_birthday(wire_name: str, value: str) -> str:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        birthday = date.fromisoformat(value)
    except ValueError:
        raise InvalidActivity(
            "bad_date", wire_name, f"{wire_name} must be a real date written YYYY-MM-DD."
        ) from None
    if not is_credible_birthday(birthday):
        detail = f"{wire_name} must not be in the future or before {EARLIEST_BIRTHDAY.year}."
        raise InvalidActivity("bad_date", wire_name, detail)
    return birthday.isoformat()


def _check_code(wire_name: str, value: str) -> str:
    return as_code(value)


def _check_country(wire_name: str, value: str) -> str:
    if (country := value.upper()) in country_names():
        return country
    raise InvalidActivity(
        "bad_country",
        wire_name,
        f"{wire_name} must be a three-letter country code of ISO 3166-1, such as USA or DEU.",
    )


def _check_state(wire_name: str, value: str) -> str:
    if (state := value.upper()) in state_names():
        return state
    raise InvalidActivity(
        "bad_state", wire_name, f"{wire_name} must be a two-letter code of a US state, such as CA."
    )


def _check_state_against_country(fields: dict[str, str]) -> None:
    if "state" in fields and fields.get("country", "USA") != "USA":
        raise InvalidActivity(
            "bad_state",
            "ContactState",
            "ContactState is for contacts in the USA; leave it out, or send USA as ContactCountry.",
        )


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "email": _check_email,
    "mobile_phone": _check_code,
    "business_phone": _check_code,
    "zip": _check_code,
    "birthday": _check_birthday,
    "country": _check_country,
    "state": _check_state,
}
