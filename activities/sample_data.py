"""Activities of the sample's contacts, to see what a log does that has grown."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction

from activities.inspector import readable
from activities.models import ActivityType, SystemType
from contacts.sample_data import Period

_CHUNK = 100_000
_IN_A_VISIT = 3
_REJECTIONS = 20_000
_DAYS_OF_REJECTIONS = 30

# Activities come evenly over the period, more by day than by night. A contact is drawn among those
# who have come by then: a few do very much, most do very little. Some activities arrive late.
_INSERT = """
WITH recorded AS (
    INSERT INTO activities_activity (
        type_id, contact_id, channel_id, tracked_site_id, title, value, url, referrer, properties,
        occurred_at, recorded_at, logged_as, request_id
    )
    SELECT
        act.type_id, %(first_contact)s + who, act.channel_id, act.tracked_site_id, act.title,
        act.value, act.url, act.referrer, act.properties,
        recorded_at - CASE WHEN draw %% 40 = 0 THEN draw %% 2880 ELSE 0 END * interval '1 minute',
        recorded_at,
        md5('sample contact ' || 1 + who)::uuid,
        md5(%(name)s || visit)::uuid
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    CROSS JOIN LATERAL (
        SELECT
            n / %(count)s AS part,
            n / %(in_a_visit)s AS visit,
            hashint8extended(n, 11) & 1048575 AS draw
    ) AS drawn
    CROSS JOIN LATERAL (
        SELECT
            floor(
                %(contacts)s * (visit * %(in_a_visit)s / %(count)s)
                * ((hashint8extended(visit, 12) & 1048575) / 1048576.0::float8) ^ 2.5
            )::bigint AS who,
            %(seconds)s * part AS even
    ) AS placed
    CROSS JOIN LATERAL (
        SELECT %(since)s::timestamptz
            + (even - 11000 * (1 + sin(even / 13750.987))) * interval '1 second' AS recorded_at
    ) AS timed
    JOIN unnest(
        %(type_ids)s::bigint[], %(channel_ids)s::bigint[], %(tracked_site_ids)s::bigint[],
        %(titles)s::text[], %(values)s::text[], %(urls)s::text[], %(referrers)s::text[],
        %(properties)s::jsonb[]
    ) WITH ORDINALITY AS act (
        type_id, channel_id, tracked_site_id, title, value, url, referrer, properties, number
    ) ON act.number = 1 + (hashint8extended(n, 13) & 1048575) %% %(acts)s
    ORDER BY n
    RETURNING id, type_id, contact_id, recorded_at
)
INSERT INTO activities_datainput (
    contact_id, activity_id, fields, outcome, received_at, applied_at, detail
)
SELECT
    contact.id, recorded.id,
    jsonb_build_object(
        'email', contact.email, 'first_name', contact.first_name, 'last_name', contact.last_name
    ),
    'applied', recorded.recorded_at, recorded.recorded_at + interval '1 second', ''
FROM recorded JOIN contacts_contact AS contact ON contact.id = recorded.contact_id
WHERE recorded.type_id = %(data_input)s AND contact.email <> ''
"""

_INSERT_REJECTIONS = """
INSERT INTO activities_rejectedactivity (
    status, at, code, reason, field, door, channel_id, contact_guid, request_id, test_code,
    payload, payload_length, payload_text
)
SELECT
    'invalid_rejected',
    %(until)s::timestamptz - interval '1 day' * %(days)s * (1 - n / %(count)s),
    code, reason, field, 'headless', %(channel)s, md5('sample contact ' || n)::uuid::text,
    gen_random_uuid(), '', convert_to(payload, 'UTF8'), length(payload), payload_text
FROM generate_series(1, %(count)s::int) AS n
JOIN unnest(
    %(codes)s::text[], %(reasons)s::text[], %(fields)s::text[], %(payloads)s::text[],
    %(texts)s::text[]
) WITH ORDINALITY AS fault (code, reason, field, payload, payload_text, number)
ON fault.number = 1 + (hashint8extended(n, 14) & 1048575) %% cardinality(%(codes)s::text[])
ORDER BY n
"""

# Code, reason, field and payload.
_FAULTS = (
    (
        "unknown_type",
        "There is no activity type “custom_loan_calc”.",
        "type",
        '{"type": "custom_loan_calc", "value": "5000"}',
    ),
    (
        "missing_url",
        "A page visit activity needs a url.",
        "url",
        '{"type": "pagevisit", "value": "Home"}',
    ),
    (
        "bad_timestamp",
        "timestamp must be ISO 8601, as 2026-05-04T10:30:00Z.",
        "timestamp",
        '{"type": "click", "value": "Apply now", "timestamp": "yesterday"}',
    ),
)


class SampleAct(NamedTuple):
    """Something that contacts do again and again; of 1,000 acts, `weight` are like this."""

    weight: int
    type_id: int
    channel_id: int
    title: str
    value: str = ""
    url: str = ""
    referrer: str = ""
    properties: str | None = None
    tracked_site_id: int | None = None


def write_activities(
    name: str, count: int, acts: Sequence[SampleAct], contact_ids: range, period: Period
) -> Iterator[int]:
    """Make `count` activities in the order of time; yield how many each commit has.

    The contacts are those of `contacts.sample_data`, in the order in which they came. What has
    another `name` has other request ids.
    """
    drawn = [act for act in acts for _ in range(act.weight)]
    parameters: dict[str, Any] = {
        "name": name,
        "count": float(count),
        "first_contact": contact_ids.start,
        "contacts": len(contact_ids),
        "since": period.since,
        "seconds": (period.until - period.since).total_seconds(),
        "in_a_visit": _IN_A_VISIT,
        "acts": len(drawn),
        "type_ids": [act.type_id for act in drawn],
        "channel_ids": [act.channel_id for act in drawn],
        "tracked_site_ids": [act.tracked_site_id for act in drawn],
        "titles": [act.title for act in drawn],
        "values": [act.value for act in drawn],
        "urls": [act.url for act in drawn],
        "referrers": [act.referrer for act in drawn],
        "properties": [act.properties for act in drawn],
        "data_input": ActivityType.objects.get(code_name=SystemType.DATA_INPUT).pk,
    }
    for first in range(0, count, _CHUNK):
        last = min(first + _CHUNK, count) - 1
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_INSERT, {**parameters, "first": first, "last": last})
        yield last - first + 1


def write_rejections(count: int, channel_id: int, period: Period) -> None:
    """Add `count` lines to the inspector, at most some 20,000, over the days that it keeps them."""
    codes, reasons, fields, payloads = (list(column) for column in zip(*_FAULTS, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_REJECTIONS,
            {
                "count": min(count, _REJECTIONS),
                "until": period.until,
                "days": _DAYS_OF_REJECTIONS,
                "channel": channel_id,
                "codes": codes,
                "reasons": reasons,
                "fields": fields,
                "payloads": payloads,
                "texts": [readable(payload.encode()) for payload in payloads],
            },
        )
