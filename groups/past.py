"""What the hub knew of one contact at some time, as tables that stand before those of today.

`WITH` gives a table of a name that a statement uses another meaning. So the statement of today,
with these in front, is about that time: the fields of then are made of the changes since, and what
a merge gave to the contact or took away later is put back. What was deleted since, or given to
another contact by a data input, is not known any more. Apps above register the tables that their
conditions read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from contacts.models import Contact, ContactChange, ContactMerge, MovedRows
from contacts.profile import FIELDS, as_text
from groups.formulas import Statement, joined, put
from groups.models import ContactGroup, GroupBuild

_ACTIVITY = (
    "id, type_id, channel_id, tracked_site_id, title, value, url, referrer, properties, occurred_at"
)
_DONE = GroupBuild.Status.DONE


@dataclass(frozen=True)
class _Moved:
    """Ids of rows that merges moved later: to the contact, and away from it."""

    came: tuple[int, ...] = ()
    went: tuple[int, ...] = ()


def contact_then(guid: UUID, at: datetime) -> Contact | None:
    """The contact that this GUID led to at that time, by the merges that were done by then."""
    contact = Contact.objects.filter(guid=guid).first()
    while contact and (survivor := _survivor_then(contact, at)):
        contact = survivor
    return contact


def _survivor_then(contact: Contact, at: datetime) -> Contact | None:
    lost = ContactMerge.objects.filter(loser=contact).select_related("survivor")
    # What was undone since held at that time.
    undone = lost.filter(finished_at__lte=at, undone__at__gt=at).first()
    if undone is not None:
        return undone.survivor
    if contact.merged_into_id is None:
        return None
    done = lost.filter(survivor=contact.merged_into_id, status=ContactMerge.Status.DONE)
    return None if done.filter(finished_at__gt=at).exists() else contact.merged_into


def switched_at(group: ContactGroup) -> datetime | None:
    """When this group was last switched, or became another kind; None if that was never.

    Hubs of before kept no entries and exits for that, so it is only since then that the history
    surely tells who was in the group. Each rule that counts is built, so a version that was not is
    one of a group that was off. Where it is not certain, the time is later rather than earlier.
    """
    if group.version == 1:
        return None
    if group.static or not group.enabled:
        return group.rule_changed_at
    builds = group.builds.all()
    built = {build.version for build in builds}
    off = max(set(range(1, group.version + 1)) - built, default=0)
    if not off:
        return None
    done = [build for build in builds if build.version > off and build.status == _DONE]
    # Until it is built, nobody is in it.
    return min((build.finished_at for build in done if build.finished_at), default=timezone.now())


def tables_then(contact: Contact, at: datetime) -> Statement:
    """What follows WITH, so that a statement is about `contact` at that time."""
    agreements = _moved_since(contact, at, "consents.consentagreement.contact")
    tables = {
        "contacts_contact": _contact_then(contact, at),
        "contacts_contactchange": put("SELECT * FROM contacts_contactchange WHERE at <= {}", at),
        "activities_activity": rows_then(
            *(contact, at),
            table="activities_activity",
            columns=_ACTIVITY,
            time="recorded_at",
            key="activities.activity.contact",
        ),
        "consents_currentanswer": put(
            "SELECT DISTINCT ON (consent_id)"
            " id AS agreement_id, {}::bigint AS contact_id, consent_id, agreed, at, text_id"
            " FROM consents_consentagreement"
            " WHERE (contact_id = {} OR id = ANY({}::bigint[])) AND at <= {}{}"
            " ORDER BY consent_id, at DESC, id DESC",
            *(contact.pk, contact.pk, agreements.went, at, _without(agreements.came)),
        ),
        "consents_consenttext": put(
            "SELECT id, consent_id, CASE WHEN superseded_at <= {} THEN superseded_at END"
            " AS superseded_at FROM consents_consenttext",
            at,
        ),
        "groups_membershipevent": put(
            "SELECT * FROM groups_membershipevent WHERE contact_id = {} AND at <= {}",
            *(contact.pk, at),
        ),
        # The table of events is the one before.
        "groups_membership": put(
            "SELECT group_id, contact_id FROM (SELECT DISTINCT ON (group_id) * FROM"
            " groups_membershipevent ORDER BY group_id, at DESC, id DESC) AS last WHERE entered"
        ),
        **{name: rows_of(contact, at) for name, rows_of in _more.items()},
    }
    return joined(
        ", ",
        # As a part of the statement, so that indexes find the rows.
        [put(f"{name} AS NOT MATERIALIZED ({{}})", query) for name, query in tables.items()],
    )


def rows_then(
    contact: Contact, at: datetime, *, table: str, columns: str, time: str, key: str
) -> Statement:
    """The rows of a contact that a table had then, wherever merges have moved them since.

    :param columns: names of columns besides `contact_id`, with commas between
    :param time: the column that says since when a row is there
    :param key: the key to the contact as merges keep it, such as `activities.activity.contact`
    """
    moved = _moved_since(contact, at, key)
    return put(
        f"SELECT contact_id, {columns} FROM {table} WHERE {time} <= {{}}{{}}{{}}",
        *(at, _without(moved.came)),
        put(
            f" UNION ALL SELECT {{}}::bigint, {columns} FROM {table}"
            f" WHERE id = ANY({{}}::bigint[]) AND {time} <= {{}}",
            *(contact.pk, moved.went, at),
        )
        if moved.went
        else Statement(""),
    )


def register_table(name: str, rows_of: Callable[[Contact, datetime], Statement]) -> None:
    """Have statements about the past read another table as it was; see `rows_then`."""
    _more[name] = rows_of


_more: dict[str, Callable[[Contact, datetime], Statement]] = {}


def fields_then(contact: Contact, at: datetime) -> Mapping[str, str]:
    """The fields of `contact` at that time, as JSON has them: those of now, and back from there."""
    fields = {name: as_text(getattr(contact, name)) for name in FIELDS}
    since = ContactChange.objects.filter(contact=contact, at__gt=at).order_by("-at", "-id")
    for before in since.values_list("before", flat=True):
        fields |= before
    return fields


def _contact_then(contact: Contact, at: datetime) -> Statement:
    fields = fields_then(contact, at)
    columns = [
        put("nullif({}, '')::date AS birthday", fields[name])
        if name == "birthday"
        else put(f"{{}}::text AS {name}", fields[name])
        for name in FIELDS
    ]
    return put(
        "SELECT {}::bigint AS id, NULL::bigint AS merged_into_id,"
        " {}::timestamptz AS created_at, {}",
        *(contact.pk, contact.created_at, joined(", ", columns)),
    )


def _moved_since(contact: Contact, at: datetime, table: str) -> _Moved:
    moved = MovedRows.objects.filter(key=table)
    # A merge that came and was undone since has moved nothing; one that was undone since has given
    # its rows back.
    later = moved.filter(merge__finished_at__gt=at, merge__undone=None)
    undone = moved.filter(merge__finished_at__lte=at, merge__undone__at__gt=at)
    came = [*_rows(later, merge__survivor=contact), *_rows(undone, contact=contact)]
    went = [*_rows(later, contact=contact), *_rows(undone, merge__survivor=contact)]
    return _Moved(tuple(came), tuple(went))


def _rows(moved: QuerySet[MovedRows], **whose: Contact) -> list[int]:
    return [id for rows in moved.filter(**whose).values_list("rows", flat=True) for id in rows]


def _without(ids: tuple[int, ...]) -> Statement:
    return put(" AND id <> ALL({}::bigint[])", ids) if ids else Statement("")
