"""The card at the top of a contact's page: what tells this person apart, and their tags."""

from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.annotations import tags_of
from contacts.admin.permissions import may_write_about
from contacts.annotations import LONGEST_TAG
from contacts.models import Contact, ContactIdentifier

_TAG = UnfoldAdminTextInputWidget()
_Kind = ContactIdentifier.Kind
# Hashes tell nobody anything.
_NAMING = {_Kind.USER_ID: 0, _Kind.ANONYMOUS_ID: 1}


def best_known_name(contact: Contact) -> str:
    """Name, else email, else what another system calls the contact, else how its GUID begins."""
    if contact.full_name or contact.email:
        return contact.full_name or contact.email
    found = contact.identifiers.filter(kind__in=_NAMING).order_by("-created_at", "-pk")[:20]
    identifiers = sorted(found, key=lambda one: _NAMING[_Kind(one.kind)])
    if identifiers:
        return f"{identifiers[0].get_kind_display()} {identifiers[0].value}"
    return f"Anonymous {str(contact.guid)[:8]}"


def build_card(request: HttpRequest, contact: Contact) -> dict[str, object]:
    """What the template of the card needs besides the contact."""
    attrs = {"id": "new-tag", "list": "tags-that-are-there", "maxlength": LONGEST_TAG}
    attrs |= {"required": True, "autocomplete": "off", "placeholder": "Add a tag"}
    return {
        "best_known_name": best_known_name(contact),
        "tags": list(tags_of(contact)),
        "may_write": may_write_about(request.user, contact),
        "tag_field": _TAG.render("tag", "", attrs),
    }
