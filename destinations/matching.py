"""Which rows of a log are told which destinations."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from activities.logs import ACTIVITIES
from consents.logs import AGREEMENTS
from contacts.logs import CHANGES
from database.cursors import array_of
from destinations.finding import destinations_to_tell
from destinations.models import Destination
from groups.facts import ENTRIES
from groups.names import Kind, look_up
from readers.logs import Log

# Of each log, the column by which destinations choose, the member that has the code names of what
# they have chosen, and what these are names of. All changes of contacts go out, or none.
_CHOSEN_BY: Mapping[Log, tuple[str, str, Kind | None]] = {
    ACTIVITIES: ("a.type_id", "activities", Kind.ACTIVITY_TYPE),
    ENTRIES: ("a.group_id", "groups", Kind.GROUP),
    AGREEMENTS: ("a.consent_id", "consents", Kind.CONSENT),
    CHANGES: ("0", "changes", None),
}
LOGS: Collection[Log] = _CHOSEN_BY.keys()
_MATCH = """
SELECT chosen.destination_id, a.id FROM unnest(%s::bigint[]) WITH ORDINALITY AS read (id, place)
JOIN {table} AS a ON a.id = read.id
JOIN unnest(%s::bigint[], %s::bigint[], %s::xid8[]) AS chosen (destination_id, key, since)
    ON {column} = chosen.key AND a.recorded_in >= chosen.since
ORDER BY read.place
"""
# A dump may have been restored into another cluster, where the transaction is still to come.
_FORGET_IDS_OF_OTHER_CLUSTERS = """
UPDATE destinations_destination SET enabled_in = '0'
WHERE enabled AND enabled_in >= pg_snapshot_xmax(pg_current_snapshot())
"""


def matched(log: Log, ids: Sequence[int]) -> list[tuple[Destination, list[int]]]:
    """The destinations that are told of rows of this log, each with the ids in the given order.

    What was recorded before a destination was switched on is not told. A name may come to stand for
    something later, such as a type that an event brings. Four queries at most.
    """
    column, *_ = _CHOSEN_BY[log]
    destinations = listening_to(log)
    chosen = list(_chosen(log, destinations.values()))
    if not chosen:
        return []
    keys = [
        array_of(destination.pk for destination, _ in chosen),
        array_of(key for _, key in chosen),
        array_of(str(destination.enabled_in) for destination, _ in chosen),
    ]
    found: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_MATCH.format(table=log.table, column=column), [array_of(ids), *keys])
        for destination_id, row in cursor.fetchall():
            found[destination_id].append(row)
    return [(destinations[key], rows) for key, rows in sorted(found.items())]


def listening_to(log: Log) -> dict[int, Destination]:
    """By id, the destinations that are switched on and have chosen anything of this log."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_IDS_OF_OTHER_CLUSTERS)
    enabled = destinations_to_tell().filter(enabled=True)
    _, member, kind = _CHOSEN_BY[log]
    chosen_nothing: dict[str, Any] = {member: False if kind is None else []}
    return enabled.exclude(**chosen_nothing).in_bulk()


def _chosen(log: Log, destinations: Iterable[Destination]) -> Iterable[tuple[Destination, int]]:
    """Each destination with each key that it has chosen."""
    _, member, kind = _CHOSEN_BY[log]
    if kind is None:
        return [(destination, 0) for destination in destinations]
    known = look_up({kind: {name for one in destinations for name in getattr(one, member)}})
    return [
        (destination, key)
        for destination in destinations
        for key in known.ids(kind, getattr(destination, member))
    ]
