"""How contacts, and what is kept about them, are told to the person."""

from typing import Any

from django.db.models import Q, QuerySet

from contacts.models import (
    Contact,
    ContactChange,
    ContactIdentifier,
    ContactMerge,
    ContactNote,
    ContactTag,
)
from contacts.places import country_names, state_names
from contacts.profile import FIELDS
from contacts.telling import (
    OTHERS,
    Origin,
    Person,
    Says,
    Telling,
    given_by_undone_merges,
    register_telling,
)

_Source = ContactChange.Source
# Where a value comes from that the person gave, in a form, an app or a shop.
_PROVIDED = (_Source.DATA_INPUT, _Source.API, _Source.IDENTIFIED)
_PLACES = {"country": country_names, "state": state_names}


def register() -> None:
    """Have these tables be told."""
    for telling in (_CONTACTS, _CHANGES, _IDENTIFIERS, _NOTES, _TAGS, _MERGES):
        register_telling(telling)


def _place(name: str):
    def words(code: str) -> str:
        return str(_PLACES[name]().get(code, code))

    return words


def _fields() -> list[Says]:
    return [
        Says(
            name=name,
            title=str(Contact._meta.get_field(name).verbose_name).capitalize(),  # type: ignore[union-attr]
            of=name,
            words=_place(name) if name in _PLACES else None,
            may_name=name == "notes",
        )
        for name in FIELDS
    ]


def _records(person: Person) -> QuerySet:
    return Contact.objects.filter(pk__in=person.ids)


def _without_what_was_made(person: Person, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with the fields that the person gave: those that nobody else has written last."""
    last: dict[tuple[str, str], str] = {}
    changes = ContactChange.objects.filter(contact__in=person.ids).order_by("at", "pk")
    for guid, source, after in changes.values_list("contact__guid", "source", "after"):
        # A merge moves what was there; what it moved is told with the record that it was in.
        if source not in (_Source.MERGE, _Source.UNDO):
            last |= dict.fromkeys(((str(guid), name) for name in after), source)
    for row in rows:
        for name in FIELDS:
            source = last.get((str(row["guid"]), name), _Source.DATA_INPUT)
            if name == "notes" or source not in _PROVIDED:
                row[name] = ""
    return rows


def _without_gifts_of_others(person: Person, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes without the values that another person's record gave by a merge that was undone."""
    given = given_by_undone_merges(person)
    for row in rows:
        for side in ("before", "after"):
            row[side] = {
                name: OTHERS if value and value in given.get(name, ()) else value
                for name, value in row[side].items()
            }
    return rows


def _with_other_record(person: Person, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merges with the record that was joined, if it is this person's."""
    for row in rows:
        pair = [str(row["records"]), str(row["loser"])]
        row["records"] = [guid if guid in person.guids else OTHERS for guid in pair]
    return rows


_CONTACTS = Telling(
    model=Contact,
    name="contact",
    title="Who you are to us",
    sentence="Your record: the fields that we have about you. If several records turned out to be "
    "you, each of them is here.",
    columns=[
        Says(name="guid", title="Number of the record", of="guid"),
        *_fields(),
        Says(name="created_at", title="Since", of="created_at"),
    ],
    order=("merged_into_id", "pk"),
    origin=Origin.PROVIDED,
    position=10,
    key="",
    rows=_records,
    change_provided=_without_what_was_made,
)
_CHANGES = Telling(
    model=ContactChange,
    name="changes",
    title="How your fields changed",
    sentence="Each change of the fields above: what stood there before, what after, and where the "
    "new value came from.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="source", title="Where it came from", of="source"),
        Says(name="before", title="Before", of="before"),
        Says(name="after", title="After", of="after"),
        Says(name="by", title="Changed by", of="by_id", is_user=True),
    ],
    order=("-at", "-id"),
    origin=Origin.PROVIDED,
    position=20,
    narrow=lambda rows: rows.filter(source__in=_PROVIDED),
    change=_without_gifts_of_others,
    change_provided=_without_gifts_of_others,
)
_IDENTIFIERS = Telling(
    model=ContactIdentifier,
    name="identifiers",
    title="What other systems know you by",
    sentence="Numbers and codes by which websites, apps and other systems recognise you.",
    columns=[
        Says(name="kind", title="Kind", of="kind"),
        Says(name="value", title="Identifier", of="value", may_name=False),
        Says(name="site", title="Site", of="site_id", may_name=False),
        Says(name="first_seen", title="First seen", of="created_at"),
    ],
    order=("-created_at", "-id"),
    origin=Origin.OBSERVED,
    position=60,
)
_NOTES = Telling(
    model=ContactNote,
    name="notes",
    title="What we noted about you",
    sentence="Notes that people who work for us have written about you.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="text", title="Note", of="text"),
        Says(name="by", title="Written by", of="by_id", is_user=True),
    ],
    order=("-at", "-id"),
    position=110,
)
_TAGS = Telling(
    model=ContactTag,
    name="tags",
    title="Words that we filed you under",
    sentence="Tags by which people who work for us keep contacts together.",
    columns=[
        Says(name="tag", title="Tag", of="tag__name"),
        Says(name="since", title="Since", of="at"),
        Says(name="by", title="Given by", of="by_id", is_user=True),
    ],
    order=("-at", "-id"),
    position=120,
)
_MERGES = Telling(
    model=ContactMerge,
    name="merges",
    title="When we joined records",
    sentence="Whenever two records were found to be one person, or might be. If the other record "
    "is not yours, we do not say whose it is.",
    columns=[
        Says(name="time", title="Asked for", of="requested_at"),
        Says(name="finished", title="Decided", of="finished_at"),
        Says(name="reason", title="Why", of="reason"),
        Says(name="status", title="What became of it", of="status"),
        Says(name="records", title="Records", of="survivor__guid"),
        Says(name="loser", title="", of="loser__guid"),
        Says(name="by", title="Asked for by", of="requested_by_id", is_user=True),
        Says(name="decided_by", title="Decided by", of="decided_by_id", is_user=True),
    ],
    order=("-requested_at", "-id"),
    position=130,
    key="",
    rows=lambda person: ContactMerge.objects.filter(
        Q(survivor__in=person.ids) | Q(loser__in=person.ids)
    ),
    change=_with_other_record,
)
