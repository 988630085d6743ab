"""Contacts as the read API tells of them, and how they are found."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from activities.models import ContactSeen
from channels.models import Channel
from consents.models import CurrentAnswer
from contacts.codes import as_code
from contacts.emails import unseen_character
from contacts.models import Contact, ContactChange, ContactIdentifier
from contacts.profile import fields_of, texts_of
from contacts.resolving import UnknownContact, follow_merged, live_of
from database.questions import ask
from groups.models import ContactGroup, Membership
from tracking.nested import with_plus
from tracking.reading.parameters import bad_parameter

_KINDS = tuple(ContactIdentifier.Kind.values)


def read_contact(given: str | UUID) -> Contact:
    """The live contact that this GUID leads to, in two queries.

    :raises UnknownContact: if there is none
    """
    try:
        guid = given if isinstance(given, UUID) else UUID(given)
    except ValueError:
        raise UnknownContact from None
    (found,) = ask(follow_merged([guid]))
    contact = Contact.objects.filter(pk=found.get(guid)).first()
    if contact is None:
        raise UnknownContact
    return contact


def with_email(email: str) -> QuerySet[Contact]:
    """The live contact with this email, in whatever spelling; a plus in it need not be escaped.

    :raises Problem: 400, if the email has a character that nobody sees
    """
    email = with_plus(email)
    if unseen := unseen_character(email):
        raise bad_parameter("email", f"email has a character that nobody sees: {unseen}.")
    return Contact.objects.with_email(email)


def with_identifier(identifier: str) -> QuerySet[Contact]:
    """Live contacts that another system knows by this: `value`, or `kind:value`.

    An ID that became a float on its way, 4711.0, is the one that it stands for. On several sites it
    may name several contacts.
    """
    kind, separator, value = identifier.partition(":")
    if not separator or kind not in _KINDS:
        kind, value = "", identifier
    # Named one by one, the unique index is looked into once for each site and kind; joined with the
    # sites, PostgreSQL would read all of it.
    sites = Channel.objects.order_by().values_list("site_id", flat=True).distinct()
    named = ContactIdentifier.objects.filter(
        site_id__in=list(sites),
        kind__in=[kind] if kind else _KINDS,
        value=as_code(value),
    )
    # First who they are: beside the order of pages, PostgreSQL might read all contacts for them.
    found = list(named.values_list("contact_id", flat=True))
    return Contact.objects.live().filter(pk__in=found)


def changed_since(
    since: datetime, *, after: Sequence[Any] | None, limit: int
) -> tuple[list[Contact], list[Any] | None]:
    """Contacts whose fields were changed from `since` on, in the order of the changes.

    It reads so many changes after the position `after`, in four queries, wherever that is; so a
    contact may come on several pages. Of who was merged meanwhile it is the live contact. With the
    contacts comes the position of the next page, if there is one.
    """
    changes = ContactChange.objects.filter(at__gte=since)
    if after is not None:
        at, pk = datetime.fromisoformat(after[0]), after[1]
        # In this form, an index is entered at the position.
        changes = changes.filter(Q(at__gt=at) | Q(pk__gt=pk), at__gte=at)
    found = list(changes.order_by("at", "pk").values_list("at", "pk", "contact")[: limit + 1])
    shown = found[:limit]
    live = ask(live_of({contact for _, _, contact in shown}))[0]
    ids = dict.fromkeys(live[contact] for _, _, contact in shown if contact in live)
    contacts = Contact.objects.in_bulk(list(ids))
    more = [shown[-1][0].isoformat(), shown[-1][1]] if len(found) > limit else None
    return [contacts[pk] for pk in ids if pk in contacts], more


def tell(contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    """What is told of these contacts, in their order and a constant number of queries."""
    ids = [contact.pk for contact in contacts]
    groups = _grouped(
        Membership.objects.filter(
            contact__in=ids, group__in=ContactGroup.objects.with_members()
        ).values_list("contact_id", "group__code_name")
    )
    answers = _grouped(
        (contact_id, (code_name, agreed))
        for contact_id, code_name, agreed in CurrentAnswer.objects.filter(
            contact__in=ids
        ).values_list("contact_id", "consent__code_name", "agreed")
    )
    identifiers = _grouped(
        (contact_id, {"kind": kind, "site_id": site_id, "value": value})
        for contact_id, kind, site_id, value in ContactIdentifier.objects.filter(contact__in=ids)
        .order_by("pk")
        .values_list("contact_id", "kind", "site_id", "value")
    )
    seen = ContactSeen.objects.in_bulk(ids)
    return [
        {
            "guid": str(contact.guid),
            "created_at": contact.created_at.isoformat(),
            "first_seen": seen[contact.pk].first_seen.isoformat() if contact.pk in seen else None,
            "last_seen": seen[contact.pk].last_seen.isoformat() if contact.pk in seen else None,
            **texts_of(fields_of(contact)),
            "groups": sorted(groups[contact.pk], key=str.lower),
            "consents": dict(sorted(answers[contact.pk])),
            "identifiers": identifiers[contact.pk],
        }
        for contact in contacts
    ]


def _grouped(pairs: Iterable[tuple[int, Any]]) -> defaultdict[int, list[Any]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return grouped
