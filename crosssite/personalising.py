"""The contact groups of a visitor, for the Python code and the templates of main sites."""

from functools import partial

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from contacts.models import Contact
from groups.membership import code_names_of


def add_groups(contact: Contact) -> Contact:
    """The same contact with `groups`: the code names of its groups, read when first asked for."""
    if "groups" not in vars(contact):
        read = partial(code_names_of, contact.pk)
        contact.groups = SimpleLazyObject(read)  # type: ignore[attr-defined]
    return contact


def is_in_group(request: HttpRequest, code_name: str) -> bool:
    """Whether the visitor of `request` may be tracked and is in the group with this code name.

    Letter case makes no difference. A group that does not exist has no members.
    """
    contact = getattr(request, "contact", None)
    if contact is None:
        return False
    return code_name.lower() in (name.lower() for name in contact.groups)
