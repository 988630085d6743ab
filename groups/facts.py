"""What happened to contacts, as far as rules can care about it: read from the logs.

A fact is a topic, such as activities of one type, with the contacts that it is about, and for each
the row of the log that says so. Apps above register the logs that their conditions follow.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from activities.logs import ACTIVITIES
from consents.logs import AGREEMENTS
from contacts.logs import CHANGES, CONTACTS, MERGES, TOUCHED, UNDONE_MERGES
from contacts.profile import FIELDS
from database.cursors import array_of
from groups.caring import Cares
from groups.followed import Followed
from groups.looking import Cause
from groups.models import MembershipEvent
from groups.names import Kind, kinds
from readers.epochs import epochs_of
from readers.logs import Log

# Who entered or left a group: what groups that name it care about.
ENTRIES = Log("entries and exits", "groups.MembershipEvent")

_Cause = MembershipEvent.Cause
# The topics whose keys are ids.
_WITH_IDS = ("activity", "consent", "group")


@dataclass(frozen=True)
class Topic:
    """What a fact is about: activities of a type, a field, a consent, a group; or anything.

    In a log that an app above has registered, it is the kind of what rules name, and which it is.
    """

    kind: str
    key: Any = None

    def matters_to(self, cares: Cares) -> bool:
        """Whether a rule that cares about this can be met by other contacts now."""
        match self.kind:
            case "activity":
                return cares.activity_types is None or self.key in cares.activity_types
            case "field":
                return self.key in cares.fields
            case "consent":
                return self.key in cares.consents
            case "group":
                return self.key in cares.groups
            case "created":
                return cares.created
        kind = Kind(self.kind)
        return kind not in kinds() or self.key in cares.of_kind(kind)


# By topic the contacts, and the row of the log for each.
Facts = Mapping[Topic, Mapping[int, int]]

_FILLED = ", ".join(
    f"CASE WHEN {name} IS NOT NULL THEN '{name}' END"
    if name == "birthday"
    else f"CASE WHEN {name} <> '' THEN '{name}' END"
    for name in FIELDS
)


@dataclass(frozen=True)
class _Read:
    """How rows of a log are read, for which `{rows}` stands, and the cause of what they cause."""

    sql: str
    cause: MembershipEvent.Cause


# Rows of a topic, its key, a contact, and the newest row of the log. A new contact may have been
# made with fields, and without a change that says so.
_reads: dict[Log, _Read] = {
    ACTIVITIES: _Read(
        """
        SELECT 'activity', type_id::text, contact_id, max(id)
        FROM activities_activity WHERE {rows} GROUP BY type_id, contact_id
    """,
        _Cause.ACTIVITY,
    ),
    CHANGES: _Read(
        """
        SELECT 'field', field, contact_id, max(id)
        FROM contacts_contactchange, jsonb_object_keys(after) AS field
        WHERE {rows} GROUP BY field, contact_id
    """,
        _Cause.CHANGE,
    ),
    AGREEMENTS: _Read(
        """
        SELECT 'consent', consent_id::text, contact_id, max(id)
        FROM consents_consentagreement WHERE {rows} GROUP BY consent_id, contact_id
    """,
        _Cause.AGREEMENT,
    ),
    MERGES: _Read(
        """
        SELECT 'merge', NULL, contact_id, max(id)
        FROM contacts_contactmerge, unnest(ARRAY[survivor_id, loser_id]) AS contact_id
        WHERE {rows} GROUP BY contact_id
    """,
        _Cause.MERGE,
    ),
    UNDONE_MERGES: _Read(
        """
        SELECT 'undo', NULL, contact_id, max(merge.id)
        FROM (SELECT merge_id FROM contacts_undonemerge WHERE {rows}) AS undone
        JOIN contacts_contactmerge AS merge ON merge.id = undone.merge_id,
        unnest(ARRAY[survivor_id, loser_id]) AS contact_id
        GROUP BY contact_id
    """,
        _Cause.UNDO,
    ),
    TOUCHED: _Read(
        """
        SELECT 'touched', NULL, contact_id, max(id)
        FROM contacts_touched WHERE {rows} GROUP BY contact_id
    """,
        _Cause.TOUCHED,
    ),
    CONTACTS: _Read(
        f"""
        SELECT CASE WHEN field IS NULL THEN 'created' ELSE 'field' END, field, id, id
        FROM contacts_contact, unnest(ARRAY[{_FILLED}] || NULL::text) AS field
        WHERE {{rows}}
    """,  # noqa: S608 -- of names of our own
        _Cause.CREATED,
    ),
    ENTRIES: _Read(
        """
        SELECT 'group', group_id::text, contact_id, group_id
        FROM groups_membershipevent WHERE {rows} GROUP BY group_id, contact_id
    """,
        _Cause.GROUP,
    ),
}
# All logs that are read, also those that are registered later.
LOGS: Collection[Log] = _reads.keys()


def register_log(log: Log, sql: str, cause: MembershipEvent.Cause) -> None:
    """Have rules follow another log.

    :param sql: gives, of the rows for which `{rows}` stands, the kind of what they are about as
        rules name it, its id as a text, the contact, and the id of the newest row
    """
    _reads[log] = _Read(sql, cause)


def facts_in(log: Log, ids: list[int]) -> Facts:
    """What these rows of a log say."""
    return _read(log, "id = ANY(%s::bigint[])", [array_of(ids)])


def entries_in(ids: list[int], group_ids: Collection[int]) -> Facts:
    """What these entries and exits say about these groups."""
    rows = "id = ANY(%s::bigint[]) AND group_id = ANY(%s::bigint[])"
    return _read(ENTRIES, rows, [array_of(ids), array_of(group_ids)])


def facts_since(log: Log, transaction_id: str) -> Facts:
    """What transactions from this one on have recorded in a log."""
    first = epochs_of([log])[log.name][-1].first
    rows = f"recorded_in >= %s::xid8 AND {log.number} >= %s"
    return _read(log, rows, [transaction_id, first])


def causes_of(facts: Facts, log: Log, rule: Followed) -> dict[int, Cause]:
    """The contacts that this rule may see differently by these facts, and why."""
    found: dict[int, int] = {}
    for topic, rows in facts.items():
        if topic.matters_to(rule.cares):
            for contact_id, row in rows.items():
                found[contact_id] = max(row, found.get(contact_id, 0))
    cause = _reads[log].cause
    return {contact_id: Cause(cause, row) for contact_id, row in found.items()}


def _read(log: Log, rows: str, params: list[Any]) -> Facts:
    with connection.cursor() as cursor:
        cursor.execute(_reads[log].sql.format(rows=rows), params)
        return _by_topic(cursor.fetchall())


def _by_topic(rows: Iterable[tuple]) -> Facts:
    facts: dict[Topic, dict[int, int]] = defaultdict(dict)
    topics: dict[tuple, Topic] = {}
    for kind, key, contact_id, row in rows:
        topic = topics.get((kind, key))
        if topic is None:
            is_id = kind in _WITH_IDS or Kind(kind) in kinds()
            read = int(key) if is_id else key
            topic = topics[kind, key] = Topic(kind, read)
        facts[topic][contact_id] = row
    return facts
