"""Finding contacts by any part of what people know of them, with the indexes of the tables."""

import re
from functools import reduce
from operator import and_, or_

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable

from adminsite.searching import as_uuid
from channels.models import Channel
from contacts.models import Contact, ContactIdentifier
from contacts.resolving import find_contact
from contacts.texts import ContactText, are_frequent, read_term
from database.grams import Plain, contains, has_grams, has_part, is_short

# No contact has a longer text.
_LONGEST_TERM = 400
_MOST_IDENTIFIERS = 1000
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")


def search_contacts(queryset: QuerySet, term: str) -> QuerySet:
    """Those of `queryset` that have each word of `term` in names, email, company, phones or GUID.

    Or who have an identifier with these words, or whose GUID it was before a merge. `queryset` has
    live contacts only.
    """
    term = term.replace("\0", "").strip()
    if not term or len(term) > _LONGEST_TERM:
        return queryset.none()
    read = read_term(term)
    # Ids are looked up first: PostgreSQL answers a subquery within OR by reading the whole table.
    ids = [*_known_as(term), *_identified_by(read.words)]
    text = ContactText()
    named = _every_word(text, read.words, is_frequent=are_frequent(read.words))
    meant = [has_part(text, other) for other in read.others]
    return queryset.filter(reduce(or_, filter(None, [named, *meant]), Q(pk__in=ids)))


def called_exactly(queryset: QuerySet, term: str) -> QuerySet | None:
    """Those of `queryset` who have each word of one or two letters of `term` as a whole word.

    None if `term` has no such words. Of very many whose names begin so, these are the few meant.
    """
    words = read_term(term).words
    short = [word for word in words if is_short(word)]
    if not short:
        return None
    text = ContactText()
    whole = reduce(and_, (has_grams(text, [f"={word}"]) for word in short))
    others = _every_word(text, [word for word in words if word not in short])
    return queryset.filter(whole & others if others else whole)


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


def _every_word(text: Combinable, words: list[str], *, is_frequent: bool = False) -> Q | None:
    parts = [has_part(text, word, is_frequent=is_frequent) for word in words]
    if not any(parts):
        return None
    # No index leads to an ampersand. But it is looked for first: it costs least, and few have it.
    signs = [contains(text, word) for part, word in zip(parts, words, strict=True) if not part]
    return reduce(and_, [*signs, *filter(None, parts)])


def _known_as(term: str) -> list[int]:
    """Who has exactly the GUID or email `term`, or is known by it, or by its hash, elsewhere."""
    # Identifiers are unique by site, kind and value: naming every one makes use of that index.
    identifiers = ContactIdentifier.objects.filter(
        site_id__in=Channel.objects.values("site_id"),
        kind__in=ContactIdentifier.Kind.values,
        value=term,
    )
    ids = list(identifiers.values_list("contact_id", flat=True))
    guid = as_uuid(term)
    if guid is not None and (contact := find_contact(guid)):
        ids.append(contact.pk)
    if _HASH.fullmatch(term.lower()):
        by_hash = Contact.objects.with_email_hash(sha256=term.lower(), md5=term.lower())
        ids += by_hash.values_list("pk", flat=True)
    if "@" in term:  # in another spelling of its mailbox
        ids += Contact.objects.with_email(term).values_list("pk", flat=True)
    return ids


def _identified_by(words: list[str]) -> list[int]:
    """Who have an identifier with all these words; of very many some."""
    condition = _every_word(Plain("value"), words)
    if condition is None:
        return []
    found = ContactIdentifier.objects.filter(condition)
    return list(found.values_list("contact_id", flat=True)[:_MOST_IDENTIFIERS])
