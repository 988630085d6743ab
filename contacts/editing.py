"""Changing contacts on behalf of whoever looks after them; unlike data input, emails as well."""

from collections.abc import Mapping

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction

from contacts.merging import lock_live
from contacts.models import Contact


class InvalidContact(Exception):
    """A contact cannot be like this: `field` is the one that is wrong, or "", `detail` says why."""

    def __init__(self, field: str, detail: str):
        super().__init__(detail)
        self.field, self.detail = field, detail


class EmailTaken(InvalidContact):
    """Another live contact has this email."""

    def __init__(self) -> None:
        super().__init__("email", "Another contact has this email.")


def create_contact(fields: Mapping[str, str]) -> Contact:
    """A new contact with these fields.

    :raises InvalidContact: if one of them is wrong, or the email is taken
    """
    contact = Contact()
    _change(contact, fields)
    return contact


def update_contact(contact_id: int, fields: Mapping[str, str]) -> Contact:
    """The live contact that this one is by now, with these fields changed.

    :raises InvalidContact: if one of them is wrong, or the email is taken
    :raises Contact.DoesNotExist: if there is no such contact
    """
    with transaction.atomic():
        (contact,) = lock_live(contact_id)
        _change(contact, fields)
    return contact


def create_or_update_contact(email: str, fields: Mapping[str, str]) -> tuple[Contact, bool]:
    """The contact with this email and these fields, and whether it was made now.

    :raises InvalidContact: if the email or one of the fields is wrong
    """
    _check_email(email)
    for attempts_left in (2, 1, 0):
        contact = Contact.objects.with_email(email).first()
        try:
            if contact is None:
                return create_contact({**fields, "email": email}), True
            return update_contact(contact.pk, fields), False
        except (EmailTaken, Contact.DoesNotExist):  # somebody made or erased it just now
            if not attempts_left:
                raise
    raise AssertionError("unreachable")


def _change(contact: Contact, fields: Mapping[str, str]) -> None:
    _refuse_nul(fields)
    for name, value in fields.items():
        setattr(contact, name, value)
    unchanged = {field.name for field in Contact._meta.fields} - set(fields)
    try:
        # What a contact has already is not refused when something else of it changes.
        contact.clean_fields(exclude=unchanged)
        contact.validate_constraints()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidContact("" if field == NON_FIELD_ERRORS else field, messages[0]) from None
    if "email" in fields and _has_taken_email(contact):
        raise EmailTaken
    try:
        with transaction.atomic():
            contact.save(update_fields=None if contact.pk is None else fields)
    except IntegrityError as error:
        if "one_live_contact_per_email" not in str(error):
            raise
        raise EmailTaken from None  # somebody else got it just now


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
