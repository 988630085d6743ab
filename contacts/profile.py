"""The fields that say who a contact is: which there are, and what they may hold."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError

from contacts.birthdays import EARLIEST_BIRTHDAY, is_credible_birthday
from contacts.codes import as_code
from contacts.emails import check_email, unseen_character
from contacts.models import Contact
from contacts.places import country_names, state_names

FIELDS = (
    "email",
    "first_name",
    "middle_name",
    "last_name",
    "birthday",
    "mobile_phone",
    "business_phone",
    "company_name",
    "job_title",
    "address1",
    "city",
    "zip",
    "country",
    "state",
    "notes",
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MAX_LENGTHS = {
    name: Contact._meta.get_field(name).max_length  # type: ignore[union-attr]
    for name in FIELDS
    if name not in ("birthday", "country", "state", "notes")
}


class InvalidField(ValueError):
    """A contact cannot have this value; `code` is the same for the same mistake."""

    def __init__(self, code: str, detail: str):
        super().__init__(detail)
        self.code, self.detail = code, detail


def max_length_of(name: str) -> int | None:
    """How many characters the field `name` may have, or None."""
    return _MAX_LENGTHS.get(name)


def may_have_state(country: str) -> bool:
    """Whether a contact of this country may have a state: in the USA, or where it is unknown.

    The constraint `state_is_of_the_usa` says the same.
    """
    return country in ("", "USA")


def fit_state(fields: dict[str, Any], country: str) -> str:
    """Have `fields` leave no state to a contact abroad, and return the given one that went.

    :param country: the contact's, as long as `fields` have none
    """
    if may_have_state(fields.get("country", country)):
        return ""
    left_out = fields.pop("state", "")
    if "country" in fields:
        fields["state"] = ""
    return left_out


def check_field(name: str, value: str, *, called: str) -> str:
    """`value` as a contact has it in the field `name`.

    :param called: what the sender calls the field; errors name it so
    :raises InvalidField: if the field cannot hold it
    """
    if "\0" in value:
        raise InvalidField("bad_text", f"{called} contains a NUL character.")
    most = _MAX_LENGTHS.get(name)
    if most is not None and len(value) > most:
        raise InvalidField("too_long", f"{called} may have at most {most} characters.")
    check = _CHECKS.get(name)
    return check(called, value) if check else value


def as_text(value: object) -> str:
    """The value of a field as JSON has it."""
    if type(value) is str:
        return value
    return value.isoformat() if isinstance(value, date) else str(value or "")


def from_text(name: str, value: object) -> object:
    """What the model has for the value of a field in JSON."""
    return (date.fromisoformat(str(value)) if value else None) if name == "birthday" else value


def fields_of(contact: Contact) -> dict[str, Any]:
    """The fields of `contact` by their names."""
    return {name: getattr(contact, name) for name in FIELDS}


def texts_of(fields: Mapping[str, object]) -> dict[str, str]:
    """These fields as JSON has them."""
    return {name: as_text(value) for name, value in fields.items()}


def _check_email(called: str, value: str) -> str:
    if unseen := unseen_character(value):
        detail = f"{called} has a character that nobody sees: {unseen}. Remove it."
        raise InvalidField("bad_email", detail)
    try:
        check_email(value)
    except ValidationError:
        raise InvalidField("bad_email", f"{called} is not an email address.") from None
    return value


def _check_birthday(called: str, value: str) -> str:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        birthday = date.fromisoformat(value)
    except ValueError:
        detail = f"{called} must be a real date written YYYY-MM-DD."
        raise InvalidField("bad_date", detail) from None
    if not is_credible_birthday(birthday):
        detail = f"{called} must not be in the future or before {EARLIEST_BIRTHDAY.year}."
        raise InvalidField("bad_date", detail)
    return birthday.isoformat()


def _check_code(called: str, value: str) -> str:
    return as_code(value)


def _check_country(called: str, value: str) -> str:
    if (country := value.upper()) in country_names():
        return country
    detail = f"{called} must be a three-letter country code of ISO 3166-1, such as USA or DEU."
    raise InvalidField("bad_country", detail)


def _check_state(called: str, value: str) -> str:
    if (state := value.upper()) in state_names():
        return state
    detail = f"{called} must be a two-letter code of a US state, such as CA."
    raise InvalidField("bad_state", detail)


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "email": _check_email,
    "mobile_phone": _check_code,
    "business_phone": _check_code,
    "zip": _check_code,
    "birthday": _check_birthday,
    "country": _check_country,
    "state": _check_state,
}
