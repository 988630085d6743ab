"""Contacts, as far as programs that send events look after them."""

import logging
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from rest_framework.request import Request

from activities.erasing import erase_contact
from contacts.changes import Origin
from contacts.editing import (
    EmailErased,
    EmailTaken,
    InvalidContact,
    create_contact,
    create_or_update_contact,
    update_contact,
)
from contacts.emails import unseen_character
from contacts.models import Contact, ContactChange, Erasure
from privacy.erasure_file import CannotWrite
from tracking.activecampaign.api import schema
from tracking.activecampaign.api.base import ApiView, no_result
from tracking.activecampaign.api.reading import (
    read_code,
    read_direction,
    read_id,
    read_object,
    read_page,
    read_text,
)
from tracking.activecampaign.api.rendering import SIDE_LOADS, Answer, as_contact
from tracking.activecampaign.translation import read_email
from web.problems import Problem, unavailable

_log = logging.getLogger(__name__)

_ORIGIN = Origin(ContactChange.Source.API)

# Name on the wire -> name of the model's field.
_FIELDS = {
    "email": "email",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "mobile_phone",
}
_WIRE_NAMES = {name: wire_name for wire_name, name in _FIELDS.items()}
# To leave one of these out of account would show a client contacts that it did not ask for.
_UNSUPPORTED_FILTERS = frozenset(
    {
        *("email_like", "exclude", "formid", "id_less", "ids", "ids[]", "in_group_lists"),
        *("listid", "organization", "phone", "search", "segmentid", "seriesid", "tagid", "waitid"),
    }
)


class ContactsView(ApiView):
    @schema.list_contacts
    def get(self, request: Request) -> HttpResponse:
        """The contacts whose email is known, or the one with an email."""
        contacts = _find(request.GET)
        page = read_page(request.GET).of(contacts)
        return Answer(
            {
                "scoreValues": [],
                "contacts": [as_contact(contact, self.root) for contact in page],
                "meta": {"total": str(contacts.count())},
            }
        )

    @schema.create_contact
    def post(self, request: Request) -> HttpResponse:
        """Create a contact."""
        fields = _read_fields(self.body)
        _require_email(fields)
        try:
            contact = create_contact(fields, _ORIGIN)
        except InvalidContact as error:
            raise _as_problem(error) from None
        return _answer(contact, self.root, 201)


class ContactView(ApiView):
    @schema.get_contact
    def get(self, request: Request, contact_id: str) -> HttpResponse:
        """One contact."""
        contact = as_contact(self.find_contact(contact_id), self.root)
        return Answer({**SIDE_LOADS, "contact": contact})

    @schema.update_contact
    def put(self, request: Request, contact_id: str) -> HttpResponse:
        """Change the given fields of a contact; "" empties one."""
        fields = _read_fields(self.body)
        if "email" in fields:
            _require_email(fields)
        try:
            contact = update_contact(self.find_contact(contact_id).pk, fields, _ORIGIN)
        except InvalidContact as error:
            raise _as_problem(error) from None
        except Contact.DoesNotExist:  # erased just now
            raise no_result("Subscriber", contact_id) from None
        return _answer(contact, self.root, 200)

    @schema.delete_contact
    def delete(self, request: Request, contact_id: str) -> HttpResponse:
        """Erase a contact, and everything that is known of them."""
        try:
            contact = self.find_contact(contact_id)
            erase_contact(contact.pk, reason=Erasure.Reason.API)
        except (Problem, Contact.DoesNotExist):
            # The original has other words for it here.
            detail = f"No result found for contact with id {contact_id[:100]}"
            raise Problem(404, "no_result", detail) from None
        except CannotWrite as error:
            _log.error("%s", error)
            # If the names are gone already, a worker ends it.
            if Contact.objects.filter(guid=contact.guid).exists():
                raise _cannot_erase() from None
        _log.warning(
            "The contact %s was erased with the API key tl_%s_… from %s.",
            contact.guid,
            self.key.identifier,
            self.address,
        )
        return Answer({})


class SyncView(ApiView):
    @schema.sync_contact
    def post(self, request: Request) -> HttpResponse:
        """Create a contact, or change the one that has this email."""
        fields = _read_fields(self.body)
        email = _require_email(fields)
        del fields["email"]
        try:
            contact, is_new = create_or_update_contact(email, fields, _ORIGIN)
        except InvalidContact as error:
            raise _as_problem(error) from None
        return _answer(contact, self.root, 201 if is_new else 200)


def _find(query: QueryDict) -> QuerySet[Contact]:
    for name, value in query.items():
        is_unsupported = name in _UNSUPPORTED_FILTERS or name.startswith("filters[")
        if is_unsupported and value:
            detail = f"Contacts cannot be filtered by {name[:100]}; use email or id_greater."
            raise Problem(400, "unsupported_filter", detail, field=name)
    contacts = Contact.objects.live().exclude(email="")
    if "email" in query:
        email = read_email(query.get("email"))
        # Nobody has an email with such a character, and PostgreSQL cannot be asked for all of them.
        contacts = contacts.none() if unseen_character(email) else contacts.with_email(email)
    if "id_greater" in query:
        lowest = read_id(query.get("id_greater", ""))
        if lowest is None:
            detail = "id_greater must be the id of a contact, or 0."
            raise Problem(400, "bad_parameter", detail, field="id_greater")
        contacts = contacts.filter(pk__gt=lowest)
    return _sort(contacts, query)


def _sort(contacts: QuerySet[Contact], query: QueryDict) -> QuerySet[Contact]:
    by_time, by_id = read_direction(query, "cdate"), read_direction(query, "id")
    if by_time is not None:
        return contacts.order_by(f"{by_time}created_at", f"{by_time}pk")
    return contacts.order_by(f"{by_id or ''}pk")


def _read_fields(body: bytes) -> dict[str, str]:
    """The fields that a body gives, by the names of the model; what is none of ours is ignored."""
    given: dict[str, Any] = read_object(body, "contact")
    read = {"mobile_phone": read_code}
    texts = {
        name: read.get(name, read_text)(given, wire_name) for wire_name, name in _FIELDS.items()
    }
    return {name: text for name, text in texts.items() if text is not None}


def _require_email(fields: dict[str, str]) -> str:
    email = fields.get("email")
    if not email:
        detail = "The email address of the contact was not provided."
        raise Problem(422, "field_missing", detail, field="email")
    return email


def _cannot_erase() -> Problem:
    problem = unavailable()
    problem.detail = (
        "The hub can erase nobody for the moment, because it cannot keep a record of it; try again "
        "later."
    )
    return problem


def _as_problem(error: InvalidContact) -> Problem:
    if isinstance(error, EmailTaken):
        detail = "Email address already exists in the system"
        return Problem(422, "duplicate", detail, field="email")
    if isinstance(error, EmailErased):
        return Problem(422, "erased", error.detail, field="email")
    name = _WIRE_NAMES.get(error.field, error.field)
    return Problem(422, "field_invalid", f"{name}: {error.detail}", field=name)


def _answer(contact: Contact, root: str, status: int) -> HttpResponse:
    answer = {"fieldValues": [], "contact": as_contact(contact, root)}
    return Answer(answer, status=status)
