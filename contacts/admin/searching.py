"""Finding contacts by what people know of them, with the indexes of the table."""

import re
import unicodedata
from functools import reduce
from operator import and_

from django.db.models import Q, QuerySet

from adminsite.searching import as_uuid, has_prefix
from channels.models import Channel
from contacts.models import Composed, Contact, ContactIdentifier
from contacts.resolving import find_contact

_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")


def search_contacts(queryset: QuerySet, term: str) -> QuerySet:
    """Those of `queryset` with this GUID or identifier, or whose email or names start so.

    The GUID of a contact that was merged finds the survivor. Identifiers of other systems are
    found by all of their letters.
    """
    # Ids are looked up first: PostgreSQL answers a subquery within OR by reading the whole table.
    ids = _known_as(term)
    guid = as_uuid(term)
    if guid is not None:
        contact = find_contact(guid)
        return queryset.filter(pk__in=[*ids, contact.pk] if contact else ids)
    words = term.split()
    every_word = reduce(and_, (_word(word) for word in words))
    # “van der Berg” is one last name.
    return queryset.filter(every_word | _begins("last_name", " ".join(words)) | Q(pk__in=ids))


def contact_named(term: str, *, by_email: bool) -> Contact | None:
    """The one contact that `term` names: by GUID, merged or not, or by its whole email.

    Finding an email tells that it is known, so `by_email` is for users who may see contacts.
    """
    guid = as_uuid(term)
    if guid is not None:
        return find_contact(guid)
    if not by_email or "@" not in term:
        return None
    return Contact.objects.with_email(term.strip()).first()


def _word(word: str) -> Q:
    return _begins("email", word) | _begins("first_name", word) | _begins("last_name", word)


def _begins(field: str, text: str) -> Q:
    """Contacts whose `field` begins so, in any letter case and Unicode form."""
    return has_prefix(field, unicodedata.normalize("NFC", text), of=Composed(field))


def _known_as(term: str) -> list[int]:
    """Who has exactly the email `term`, or is known by it, or by its hash, to another system."""
    # Identifiers are unique by site, kind and value: naming every one makes use of that index.
    identifiers = ContactIdentifier.objects.filter(
        site_id__in=Channel.objects.values("site_id"),
        kind__in=ContactIdentifier.Kind.values,
        value=term,
    )
    ids = list(identifiers.values_list("contact_id", flat=True))
    if _HASH.fullmatch(term.lower()):
        by_hash = Contact.objects.with_email_hash(sha256=term.lower(), md5=term.lower())
        ids += by_hash.values_list("pk", flat=True)
    if "@" in term:  # in another spelling than the one that is searched by its beginning
        ids += Contact.objects.with_email(term.strip()).values_list("pk", flat=True)
    return ids
