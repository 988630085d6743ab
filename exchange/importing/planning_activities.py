"""Which rows of a file of activities are of contacts that the hub knows, and which it has already.

A row without an id gets one that is made of what the row says, and of how many rows above it say
the same. So what a file says is recorded once, however often it is imported, alone or in a larger
file. What has no time is told from what other files say by the file.
"""

from typing import NamedTuple

from django.db import connection

from exchange.importing import staging
from exchange.importing.problems import ERASED, UNKNOWN
from exchange.importing.suppressed import erased_condition
from exchange.models import Import

# A GUID counts more than an email, and leads to a contact also if that was merged into another.
_UNKNOWN = """
UPDATE {rows} AS staged SET problem = CASE WHEN {erased} THEN %(erased)s ELSE %(unknown)s END
WHERE staged.problem = '' AND NOT CASE WHEN staged.guid <> ''
    THEN EXISTS (
        SELECT FROM contacts_contact AS contact WHERE contact.guid = staged.guid::uuid
    )
    ELSE EXISTS (
        SELECT FROM contacts_contact AS contact
        WHERE contact.email_key = lower(staged.mailbox) AND contact.merged_into_id IS NULL
            AND NOT contact.email_key = ''
    )
END
"""


_NAME = """
UPDATE {rows} AS staged SET id = named.id FROM (
    SELECT row, md5(said || row_number() OVER (PARTITION BY said ORDER BY row))::uuid::text AS id
    FROM (
        SELECT row, md5(concat_ws(
            chr(31), lower(mailbox), guid, lower(type), time, value, title, url, referrer,
            properties, CASE WHEN time = '' THEN %(sha256)s END
        )) AS said
        FROM {rows} WHERE problem = '' AND id = ''
    ) AS unnamed
) AS named WHERE named.row = staged.row
"""
# Of rows with one id the first counts, unless that is recorded already.
IS_RECORDED = """
EXISTS (
    SELECT FROM activities_activityclaim AS claim
    WHERE claim.channel_id = %(channel)s AND claim.client_id = staged.id::uuid
)
"""
_COUNT = f"""
SELECT count(*), count(DISTINCT id) FILTER (WHERE NOT is_recorded),
    min(row) FILTER (WHERE is_recorded OR nth > 1)
FROM (
    SELECT row, id::uuid AS id, {IS_RECORDED} AS is_recorded,
        row_number() OVER (PARTITION BY id::uuid ORDER BY row) AS nth
    FROM {{rows}} AS staged WHERE problem = ''
) AS staged
"""  # noqa: S608 -- of names of our own


class PlannedActivities(NamedTuple):
    """How many rows there are for each outcome, and the first of those that are `unchanged`."""

    counts: dict[str, int]
    first_unchanged: int | None


def plan_activities(import_: Import) -> PlannedActivities:
    """Refuse rows of nobody, and give an id to those that have none."""
    rows = staging.table("rows", import_.staged_as)
    erased, params = erased_condition(key="lower(staged.mailbox)", guid="staged.guid") or (
        "false",
        {},
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {rows}")
        cursor.execute(
            _UNKNOWN.format(rows=rows, erased=erased),
            {
                **params,
                "erased": staging.problems_as_text([ERASED]),
                "unknown": staging.problems_as_text([UNKNOWN]),
            },
        )
        cursor.execute(_NAME.format(rows=rows), {"sha256": import_.sha256})
        cursor.execute(f"CREATE UNIQUE INDEX ON {rows} (row)")
        cursor.execute(_COUNT.format(rows=rows), {"channel": import_.channel_id})
        count, create, first_unchanged = cursor.fetchone()
    counts = {"create": create, "update": 0, "merge": 0, "unchanged": count - create}
    return PlannedActivities(counts, first_unchanged)
