"""Looks at the newest activities of each type, and keeps what the data dictionary says of them.

So its cost does not grow with the log. The first look at a type sees its oldest activities as well.
"""

import json
import re
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection, transaction

from activities.models import ActivityType, ActivityTypeUse, PropertyRule
from privacy.models import DictionaryEntry

LOOKS = "look at activity types"
LOOKED_AT = 1_000
# So many properties of a type are kept, the most frequent first.
MOST_PROPERTIES = 200
# A name that one contact alone has sent may be made of what they said.
LEAST_CONTACTS = 2
_LONGEST_NAME = 100
# Addresses, GUIDs and numbers that stand for something are no names.
_DATA = re.compile(r"@|\d{5,}|[0-9a-f]{8}-?[0-9a-f]{4}-|\s{2,}|[\x00-\x1f]", re.IGNORECASE)

_FIELDS = ("title", "value", "url", "referrer")
_Part = DictionaryEntry.Part

_SAMPLE = """
SELECT contact_id, channel_id, occurred_at, title, value, url, referrer, properties
FROM activities_activity WHERE type_id = %(type)s ORDER BY occurred_at {order}, id {order}
LIMIT %(limit)s
"""
_TYPE = """
SELECT count(*), min(occurred_at), max(occurred_at), array_agg(DISTINCT channel_id), {fields}
FROM ({sample}) AS sample
"""
_OF_A_FIELD = """
jsonb_build_array(
    count(*) FILTER (WHERE {name} <> ''),
    extract(epoch FROM min(occurred_at) FILTER (WHERE {name} <> '')),
    extract(epoch FROM max(occurred_at) FILTER (WHERE {name} <> ''))
)
"""
_PROPERTIES = """
SELECT key, count(*), count(DISTINCT contact_id), min(occurred_at), max(occurred_at),
    array_agg(DISTINCT channel_id), array_agg(DISTINCT jsonb_typeof(property.value))
FROM ({sample}) AS sample, jsonb_each(
    CASE WHEN jsonb_typeof(properties) = 'object' THEN properties ELSE '{{}}' END
) AS property (key, value)
WHERE property.value NOT IN ('null', '""', '[]', '{{}}')
GROUP BY key ORDER BY count(*) DESC, key
"""


class _Seen(NamedTuple):
    """What a sample says of one part of a type."""

    filled: int
    first: datetime | None
    last: datetime | None
    channels: list[int]
    values: list[str]


def look_at_types() -> None:
    """Look at the types of which activities came or went since the last look."""
    counts = dict(ActivityTypeUse.objects.values_list("type", "count"))
    known = dict(
        DictionaryEntry.objects.filter(part=_Part.TYPE).values_list("activity_type", "counted")
    )
    for activity_type in ActivityType.objects.order_by("pk"):
        count = counts.get(activity_type.pk, 0)
        if known.get(activity_type.pk) != count:
            look_at(activity_type, count)


@transaction.atomic
def look_at(activity_type: ActivityType, counted: int) -> None:
    """Look at the newest activities of this type, of which there are `counted`."""
    is_new = not DictionaryEntry.objects.filter(
        activity_type=activity_type, part=_Part.TYPE
    ).exists()
    looked_at, parts, left_out = _sample(activity_type.pk, "DESC")
    if is_new and looked_at == LOOKED_AT:
        _, oldest, _ = _sample(activity_type.pk, "ASC")
        for key, seen in oldest.items():
            now = parts.get(key)
            parts[key] = seen._replace(filled=0) if now is None else _both(now, seen)
    rows = {
        (entry.part, entry.name): entry
        for entry in DictionaryEntry.objects.filter(activity_type=activity_type)
    }
    for part, name in parts.keys() | _ruled(activity_type) | rows.keys():
        entry = rows.get((part, name)) or DictionaryEntry(
            activity_type=activity_type, part=part, name=name
        )
        seen = parts.get((part, name), _Seen(0, None, None, [], []))
        entry.looked_at, entry.filled = looked_at, min(seen.filled, looked_at)
        entry.first_seen = min(filter(None, (entry.first_seen, seen.first)), default=None)
        entry.last_seen = max(filter(None, (entry.last_seen, seen.last)), default=None)
        entry.channels = sorted({*entry.channels, *seen.channels})
        entry.values = sorted({*entry.values, *seen.values})
        if part == _Part.TYPE:
            entry.counted, entry.left_out = counted, left_out
        entry.save()


def _sample(type_id: int, order: str) -> tuple[int, dict[tuple[str, str], _Seen], int]:
    """How many activities were looked at, what they have, and how many names were left out."""
    sample = _SAMPLE.format(order=order)
    given = {"type": type_id, "limit": LOOKED_AT}
    fields = ", ".join(_OF_A_FIELD.format(name=name) for name in _FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(_TYPE.format(sample=sample, fields=fields), given)
        count, first, last, channels, *of_fields = cursor.fetchone()
        cursor.execute(_PROPERTIES.format(sample=sample), given)
        rows = cursor.fetchall()
    parts = {(_Part.TYPE.value, ""): _Seen(count, first, last, channels or [], [])}
    for name, found in zip(_FIELDS, of_fields, strict=True):
        filled, *times = _as_list(found)
        at = [_moment(seconds) for seconds in times]
        parts[_Part.FIELD.value, name] = _Seen(filled, at[0], at[1], [], [])
    names = [row for row in rows if row[2] >= LEAST_CONTACTS and is_name(row[0])]
    for key, filled, _, first, last, channels, values in names[:MOST_PROPERTIES]:
        parts[_Part.PROPERTY.value, key] = _Seen(filled, first, last, channels, values)
    return count, parts, len(rows) - min(len(names), MOST_PROPERTIES)


def is_name(text: str) -> bool:
    """Whether this can be the name of a property, and is no data that a sender put in its place."""
    return 0 < len(text) <= _LONGEST_NAME and not _DATA.search(text)


def _ruled(activity_type: ActivityType) -> set[tuple[str, str]]:
    names = PropertyRule.objects.filter(activity_type=activity_type).values_list("name", flat=True)
    return {(_Part.PROPERTY.value, name) for name in names}


def _both(newest: _Seen, oldest: _Seen) -> _Seen:
    """What the newest activities have, and since when there is such a thing."""
    return newest._replace(
        first=min(filter(None, (newest.first, oldest.first)), default=None),
        channels=sorted({*newest.channels, *oldest.channels}),
        values=sorted({*newest.values, *oldest.values}),
    )


def _as_list(found: str | list) -> list:
    return json.loads(found) if isinstance(found, str) else found


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
