"""Finding contacts by what people know of them, with the indexes of the table."""

from functools import reduce
from operator import and_

from django.db.models import Q, QuerySet

from adminsite.searching import as_uuid, has_prefix
from contacts.models import Contact
from contacts.resolving import find_contact


def search_contacts(queryset: QuerySet, term: str) -> QuerySet:
    """Those of `queryset` with this GUID, or whose email or names start with these words.

    The GUID of a contact that was merged finds the survivor.
    """
    guid = as_uuid(term)
    if guid is not None:
        contact = find_contact(guid)
        return queryset.filter(pk=contact.pk) if contact else queryset.none()
    words = term.split()
    every_word = reduce(and_, (_word(word) for word in words))
    # “van der Berg” is one last name.
    return queryset.filter(every_word | has_prefix("last_name", " ".join(words)))


def contact_named(term: str) -> Contact | None:
    """The one contact that `term` names: by GUID, merged or not, or by its whole email."""
    guid = as_uuid(term)
    if guid is not None:
        return find_contact(guid)
    return Contact.objects.with_email(term.strip()).first() if "@" in term else None


def _word(word: str) -> Q:
    return (
        has_prefix("email", word) | has_prefix("first_name", word) | has_prefix("last_name", word)
    )
