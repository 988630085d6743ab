"""Changing contacts on behalf of a user who looks after them; unlike data input, emails as well."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction

from contacts import changes
from contacts.changes import Origin
from contacts.erased_names import NameErased
from contacts.merging import lock_live
from contacts.models import Contact, ContactChange

_FROM_CODE = Origin(ContactChange.Source.CODE)


class InvalidContact(Exception):
    """A contact cannot be like this: `field` is the one that is wrong, or "", `detail` says why."""

    def __init__(self, field: str, detail: str):
        super().__init__(detail)
        self.field, self.detail = field, detail


class EmailErased(InvalidContact):
    """A person who was erased had this email."""

    def __init__(self) -> None:
        super().__init__("email", str(NameErased()))


class EmailTaken(InvalidContact):
    """Another live contact has this email."""

    def __init__(self) -> None:
        super().__init__("email", "Another contact has this email.")


def create_contact(fields: Mapping[str, str], origin: Origin = _FROM_CODE) -> Contact:
    """A new contact with these fields.

    :raises InvalidContact: if one of them is wrong, or the email is taken
    """
    checked = _check(Contact(), fields)
    with _told_if_email_is_taken():
        return changes.create_contact(checked, origin)


def update_contact(
    contact_id: int, fields: Mapping[str, str], origin: Origin = _FROM_CODE
) -> Contact:
    """The live contact that this one has become, with these fields changed.

    :raises InvalidContact: if one of them is wrong, or the email is taken
    :raises Contact.DoesNotExist: if there is no such contact
    """
    with transaction.atomic():
        (contact,) = lock_live(contact_id)
        checked = _check(contact, fields)
        with _told_if_email_is_taken():
            changes.change_contact(contact, checked, origin)
    return contact


def create_or_update_contact(
    email: str, fields: Mapping[str, str], origin: Origin = _FROM_CODE
) -> tuple[Contact, bool]:
    """The contact with this email and these fields, and whether it was made now.

    :raises InvalidContact: if the email or one of the fields is wrong
    """
    _check_email(email)
    for attempts_left in (2, 1, 0):
        contact = Contact.objects.with_email(email).first()
        try:
            if contact is None:
                return create_contact({**fields, "email": email}, origin), True
            return update_contact(contact.pk, fields, origin), False
        except (EmailTaken, Contact.DoesNotExist):  # a request made or erased it just now
            if not attempts_left:
                raise
    raise AssertionError("unreachable")


def _check(contact: Contact, fields: Mapping[str, str]) -> dict[str, Any]:
    """These fields as `contact` would have them."""
    _refuse_nul(fields)
    edited = copy(contact)
    for name, value in fields.items():
        setattr(edited, name, value)
    unchanged = {field.name for field in Contact._meta.fields} - set(fields)
    try:
        # What a contact has already is not refused when something else of it changes.
        edited.clean_fields(exclude=unchanged)
        edited.validate_constraints()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidContact("" if field == NON_FIELD_ERRORS else field, messages[0]) from None
    if "email" in fields and _has_taken_email(edited):
        raise EmailTaken
    return {name: getattr(edited, name) for name in fields}


@contextmanager
def _told_if_email_is_taken() -> Iterator[None]:
    """Raises EmailTaken for what the database says if a request got the email just now.

    And EmailErased if it is an erased person's.
    """
    try:
        with transaction.atomic():
            yield
    except NameErased:
        raise EmailErased from None
    except IntegrityError as error:
        if "one_live_contact_per_email" not in str(error):
            raise
        raise EmailTaken from None


def _check_email(email: str) -> None:
    _refuse_nul({"email": email})
    try:
        Contact._meta.get_field("email").run_validators(email)
    except ValidationError as error:
        raise InvalidContact("email", error.messages[0]) from None


def _has_taken_email(contact: Contact) -> bool:
    others = Contact.objects.with_email(contact.email).exclude(pk=contact.pk)
    return bool(contact.email) and others.exists()


def _refuse_nul(fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        if "\0" in value:
            raise InvalidContact(name, "A text has no NUL character.")
