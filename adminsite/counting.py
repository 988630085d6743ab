"""Counts that do not grow with the table."""

from django.db import connections
from django.db.models import BigIntegerField, QuerySet, Subquery

# So far pages count what may be very much.
COUNTED = 10_000


def estimated_rows(table_or_index: str, *, using: str = "default") -> int:
    """How many rows PostgreSQL last estimated; -1 if it has not looked yet."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)",
            [f'"{table_or_index}"'],
        )
        return cursor.fetchone()[0]


def count_up_to(queryset: QuerySet, limit: int) -> int:
    """The number of rows, or `limit` + 1 if there are more than `limit`."""
    # Only the key is selected, so that annotations are not computed for every row.
    return queryset.order_by().values("pk")[: limit + 1].count()


def say_count(count: int, limit: int) -> str:
    """A count that ended at `limit` + 1, in words: “9,876”, or “more than 10,000”."""
    return f"{count:,}" if count <= limit else f"more than {limit:,}"


class CountOf(Subquery):
    """How many rows a query about the outer row has, which are as `only` says in SQL.

    Cut the query, so that what it costs does not grow with the table.
    """

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted WHERE %(only)s)"
    output_field = BigIntegerField()

    def __init__(self, rows: QuerySet, only: str = "true"):
        super().__init__(rows, only=only)
