"""Which rows of a file of activities are of contacts that the hub knows."""

from django.db import connection

from exchange.importing import staging
from exchange.importing.problems import ERASED, UNKNOWN
from exchange.importing.suppressed import erased_condition

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


def plan_activities(staged_as: str) -> dict[str, int]:
    """Refuse rows of nobody; return how many rows there are for each outcome."""
    rows = staging.table("rows", staged_as)
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
        cursor.execute(f"CREATE UNIQUE INDEX ON {rows} (row)")
        cursor.execute(f"SELECT count(*) FROM {rows} WHERE problem = ''")  # noqa: S608
        (create,) = cursor.fetchone()
    return {"create": create, "update": 0, "merge": 0, "unchanged": 0}
