"""The read API: what other systems ask the hub about contacts and groups."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.models import Contact
from contacts.resolving import UnknownContact
from groups.finding import group_with_code_name
from groups.models import ContactGroup, Membership
from tracking.reading import schema
from tracking.reading.authentication import ReadKeyAuthentication, check_limit
from tracking.reading.contacts import (
    changed_since,
    read_contact,
    tell,
    with_email,
    with_identifier,
)
from tracking.reading.parameters import Question, bad_parameter
from tracking.reading.timelines import KINDS, Position, read_timeline
from tracking.views import DoorView
from web.problems import Problem

_WAYS_TO_FIND = ("email", "guid", "identifier", "changed_since")


class ReadView(DoorView):
    """A view of the read API: it changes nothing, and no cache keeps what it answers."""

    authentication_classes = [ReadKeyAuthentication]
    door = "read"
    kept_methods = ()

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if request.auth is not None:
            check_limit(self.key)

    def finalize_response(self, *args, **kwargs):
        response = super().finalize_response(*args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class ContactsView(ReadView):
    @schema.find_contacts
    def get(self, request: Request) -> Response:
        """Find contacts by an email, a GUID, an identifier or a time, or read all of them."""
        question = Question.read(request, _WAYS_TO_FIND)
        ways = [name for name in _WAYS_TO_FIND if name in question.given]
        if len(ways) > 1:
            raise bad_parameter(ways[1], f"Send one of {', '.join(_WAYS_TO_FIND)}.")
        if guid := question.guid("guid"):
            question.position()  # a cursor of another question is refused here, too
            try:
                contact = read_contact(guid)
            except UnknownContact:
                return Response({"contacts": [], "next": None})
            return Response({"contacts": [_told(contact, str(guid))], "next": None})
        if since := question.moment("changed_since"):
            position = question.position()
            changed, more = changed_since(since, after=position, limit=question.limit)
            following = question.cursor_at(more) if more else None
            return Response({"contacts": tell(changed), "next": following})
        return Response(_page_of_contacts(question, _found(question)))


class ContactView(ReadView):
    @schema.read_contact
    def get(self, request: Request, contact_guid: str) -> Response:
        """Read one contact. The GUID of a merged one leads to the contact that it has become."""
        Question.read(request)
        return Response(_told(read_contact(contact_guid), contact_guid))


class TimelineView(ReadView):
    @schema.read_timeline
    def get(self, request: Request, contact_guid: str) -> Response:
        """Read what the hub has recorded about a contact, the newest first."""
        question = Question.read(request, ("kinds", "since", "until"))
        kinds = _kinds_in(question)
        since, until = question.moment("since"), question.moment("until")
        position = question.position()
        contact = read_contact(contact_guid)
        entries, older = read_timeline(
            contact,
            kinds,
            limit=question.limit,
            since=since,
            until=until,
            after=Position.from_json(position) if position else None,
        )
        return Response(
            {
                "contact": str(contact.guid),
                "merged_from": _merged_from(contact, contact_guid),
                "entries": entries,
                "next": question.cursor_at(older.as_json()) if older else None,
            }
        )


class GroupsView(ReadView):
    @schema.read_groups
    def get(self, request: Request) -> Response:
        """Read the contact groups of the hub, in the order in which they were made."""
        question = Question.read(request)
        rows, following = _rows_after(question, ContactGroup.objects.all())
        told = [_group_told(group) for group in rows]
        return Response({"groups": told, "next": following})


class MembersView(ReadView):
    @schema.read_members
    def get(self, request: Request, code_name: str) -> Response:
        """Read who is in a contact group now; a group that is switched off has no members."""
        question = Question.read(request)
        position = question.position()
        group = None if "\0" in code_name else group_with_code_name(code_name)
        if group is None:
            raise Problem(404, "unknown_group", "There is no contact group with this code name.")
        members = Membership.objects.filter(
            group=group, group__in=ContactGroup.objects.with_members()
        )
        if position:
            members = members.filter(contact__gt=position[0])
        # In the order of their unique index.
        rows = list(
            members.order_by("contact_id").values_list(
                "contact_id", "contact__guid", "contact__email", "since"
            )[: question.limit + 1]
        )
        shown = rows[: question.limit]
        more = len(rows) > question.limit
        return Response(
            {
                "group": group.code_name,
                "members": [
                    {"guid": str(guid), "email": email, "since": since.isoformat()}
                    for _, guid, email, since in shown
                ],
                "next": question.cursor_at([shown[-1][0]]) if more else None,
            }
        )


class UnknownEndpointView(ReadView):
    """Whatever else is asked for below /hub/v1/."""

    schema = None

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        raise Problem(404, "unknown_endpoint", "The read API has no such endpoint.")


def _found(question: Question) -> QuerySet[Contact]:
    if email := question.given.get("email"):
        return with_email(email)
    if identifier := question.given.get("identifier"):
        return with_identifier(identifier)
    return Contact.objects.live()


def _page_of_contacts(question: Question, contacts: QuerySet[Contact]) -> dict[str, Any]:
    rows, following = _rows_after(question, contacts)
    return {"contacts": tell(rows), "next": following}


def _rows_after(question: Question, rows: QuerySet) -> tuple[list, str | None]:
    """The rows of this page, in the order of their ids, and the cursor of the next one."""
    position = question.position()
    if position:
        rows = rows.filter(pk__gt=position[0])
    found = list(rows.order_by("pk")[: question.limit + 1])
    shown = found[: question.limit]
    return shown, question.cursor_at([shown[-1].pk]) if len(found) > question.limit else None


def _kinds_in(question: Question) -> Sequence[str]:
    if "kinds" not in question.given:
        return tuple(KINDS)
    kinds = tuple(dict.fromkeys(question.given["kinds"].split(",")))
    if not set(kinds) <= KINDS.keys():
        raise bad_parameter("kinds", f"kinds are, with commas between: {', '.join(KINDS)}.")
    return kinds


def _told(contact: Contact, given: str) -> dict[str, Any]:
    (told,) = tell([contact])
    return {**told, "merged_from": _merged_from(contact, given)}


def _merged_from(contact: Contact, given: str) -> str | None:
    """The GUID that was asked for, if it is that of a contact which was merged into this one."""
    asked = UUID(given)
    return None if asked == contact.guid else str(asked)


def _group_told(group: ContactGroup) -> dict[str, Any]:
    return {
        "code_name": group.code_name,
        "name": group.name,
        "description": group.description,
        "static": group.static,
        "enabled": group.enabled,
        "has_members": group.has_members,
        "built_at": group.built_at.isoformat() if group.built_at else None,
    }
