"""How rows about a person are told to that person: each room describes its own tables here.

What a person gets who asks for their data is a walk over all tables with a `ContactKey` that says
`export=True`. A description gives such a table a title, a sentence and columns in words; a table
without one is told by its fields. A table that has no such key is told if it has a description with
`rows`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import Combinable

from contacts.emails import mailbox, spellings
from contacts.keys import ContactKey
from contacts.models import Contact, ContactChange, ContactMerge
from contacts.resolving import get_live_contact
from contacts.returning import LINE

_RECORDS = f"{LINE} SELECT id FROM line"  # noqa: S608 -- of a text of our own


# Stands for what is another person's.
OTHERS = "[another person]"


class Origin(StrEnum):
    """Where the rows of a table come from: the first two are what Article 20 is about."""

    PROVIDED = "provided", "You gave it to us"
    OBSERVED = "observed", "We saw it while you used our websites and apps"
    DERIVED = "derived", "We made it, or noted it about you"

    words: str

    def __new__(cls, value: str, words: str):
        """A member with its value, and what a person reads."""
        member = str.__new__(cls, value)
        member._value_, member.words = value, words
        return member


@dataclass(frozen=True)
class Person:
    """One person: the live contact, and all that were merged into it.

    :ivar guids: of all of these
    :ivar email_keys: of every email that they had, as mailboxes are compared
    """

    live: Contact
    records: tuple[Contact, ...]
    guids: frozenset[str]
    email_keys: frozenset[str]

    @property
    def ids(self) -> list[int]:
        """The ids of the contacts."""
        return [contact.pk for contact in self.records]

    @property
    def emails(self) -> list[str]:
        """Every email that they had, in its usual spellings."""
        return sorted({one for key in self.email_keys for one in spellings(key)})


@dataclass(frozen=True, kw_only=True)
class Says:
    """A column of a table as it is told.

    :ivar name: what programs call it, in JSON and CSV
    :ivar title: what people call it; "" of a column that is not told, but needed by `change`
    :ivar of: a path of the model, or an expression
    :ivar show: makes of the value what is told; None is nothing
    :ivar words: makes of that what people read, where it is not the same
    :ivar is_user: whether it is the id of a user of the admin: told by the role, never by name
    :ivar may_name: whether it is text in which other people may be named
    :ivar on_page: whether the page for people has it, besides the files for programs
    """

    name: str
    title: str
    of: str | Combinable
    show: Callable[[Any], Any] | None = None
    words: Callable[[Any], Any] | None = None
    is_user: bool = False
    may_name: bool = True
    on_page: bool = True


type Rows = Callable[[Person], QuerySet]
type Change = Callable[[Person, list[dict[str, Any]]], list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How the rows of a table are told.

    :ivar name: what files call the table: small letters and hyphens
    :ivar sentence: what it is, for the person
    :ivar order: in which order the rows come, the newest first
    :ivar key: the `ContactKey` by which rows are the person's
    :ivar rows: the rows, for a table that has none, or not all whose rows are told
    :ivar narrow: those of the rows that the person provided, or that were observed
    :ivar change: takes out of a portion of rows, by names of columns, what is of other people
    :ivar change_provided: the same, and what the person did not provide either
    """

    model: type[Model]
    name: str
    title: str
    sentence: str
    columns: Sequence[Says]
    order: Sequence[str] = ("-pk",)
    origin: Origin = Origin.DERIVED
    position: int = 500
    key: str = "contact"
    rows: Rows | None = None
    narrow: Callable[[QuerySet], QuerySet] | None = None
    change: Change | None = None
    change_provided: Change | None = None

    def rows_of(self, person: Person) -> QuerySet:
        """The rows about `person`, in order."""
        if self.rows is not None:
            found = self.rows(person)
        else:
            found = self.model._base_manager.filter(**{f"{self.key}__in": person.ids})
        return found.order_by(*self.order)


@dataclass
class _Registry:
    tellings: dict[tuple[str, str], Telling] = field(default_factory=dict)


_registry = _Registry()


def register_telling(telling: Telling) -> None:
    """Have the rows of a table be told so."""
    _registry.tellings[telling.model._meta.label_lower, telling.name] = telling


def registered_tellings() -> list[Telling]:
    """What rooms have registered, in the order in which it is told."""
    return sorted(_registry.tellings.values(), key=lambda one: (one.position, one.name))


def told_keys(tellings: Sequence[Telling]) -> set[tuple[str, str]]:
    """The keys of tables that these tell of: the model, and the key's name."""
    return {(one.model._meta.label_lower, one.key) for one in tellings}


def exported_keys(models: Sequence[type[Model]]) -> list[ContactKey]:
    """The keys of these models whose rows a person gets who asks for their data."""
    return [
        one
        for model in models
        for one in model._meta.local_fields
        if isinstance(one, ContactKey) and one.export
    ]


def person_of(contact_id: int) -> Person:
    """The person whom this contact is by now.

    What another contact gave in a merge that was undone is that one's: it does not count.

    :raises Contact.DoesNotExist: if there is no such contact
    """
    live = get_live_contact(contact_id)
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS, {"first": live.pk})
        ids = [pk for (pk,) in cursor.fetchall()]
    records = tuple(Contact.objects.filter(pk__in=ids).order_by("pk"))
    return describe_person(live, records)


def describe_person(live: Contact, records: Sequence[Contact]) -> Person:
    """The same of contacts that are known to be one person."""
    [person] = describe_people([(live, records)])
    return person


def describe_people(people: Sequence[tuple[Contact, Sequence[Contact]]]) -> list[Person]:
    """The same of many people at once, each as the live contact and all of the person's."""
    emails = _emails_of([contact for _, records in people for contact in records])
    keys = {
        contact_id: {mailbox(email).lower() for email in given}
        for contact_id, given in emails.items()
    }
    others = Contact.objects.live().exclude(email_key="")
    having = others.filter(email_key__in=set().union(*keys.values()))
    owners = dict(having.values_list("email_key", "pk"))
    described = []
    for live, records in people:
        ids = {contact.pk for contact in records}
        theirs = set().union(*(keys[contact_id] for contact_id in ids))
        described.append(
            Person(
                live=live,
                records=tuple(records),
                guids=frozenset(str(contact.guid) for contact in records),
                email_keys=frozenset(key for key in theirs if owners.get(key, live.pk) in ids),
            )
        )
    return described


def _emails_of(records: Sequence[Contact]) -> dict[int, set[str]]:
    """By contact, every email that it had: now, before a merge, before a change."""
    emails = {contact.pk: {contact.email} for contact in records}
    undone = Q(merge__status=ContactMerge.Status.UNDONE)
    changes = ContactChange.objects.filter(contact__in=records).exclude(undone)
    with_email = changes.filter(Q(before__has_key="email") | Q(after__has_key="email"))
    for contact_id, before, after in with_email.values_list("contact", "before", "after"):
        emails[contact_id] |= {before.get("email", ""), after.get("email", "")}
    for side in ("survivor", "loser"):
        merges = ContactMerge.objects.filter(
            **{f"{side}__in": records}, status=ContactMerge.Status.DONE
        )
        for contact_id, snapshot in merges.values_list(side, f"{side}_before"):
            emails[contact_id] |= {snapshot.get("email", "")} if snapshot else set()
    return {contact_id: given - {""} for contact_id, given in emails.items()}


def given_by_undone_merges(person: Person) -> Mapping[str, set[str]]:
    """What other people's records gave to this person's by merges that were undone, by field."""
    given: dict[str, set[str]] = {}
    changes = ContactChange.objects.filter(
        contact__in=person.ids,
        source=ContactChange.Source.MERGE,
        merge__status=ContactMerge.Status.UNDONE,
    )
    for after in changes.values_list("after", flat=True):
        for name, value in after.items():
            if value:
                given.setdefault(name, set()).add(value)
    return given
