"""How PostgreSQL would read what is asked if the tables were large."""

from django.db import connection, transaction
from django.db.models import QuerySet

# Without statistics of what the tables have held before, which its autovacuum gathers at any
# instant; of each page of a table the planner believes that it has very many rows, and of a
# table without any, that it was never looked at. The first page of an index has no rows: it is not
# counted.
_LARGE = """
    WITH ours AS (
        SELECT oid FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i')
    ), forgotten AS (
        DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM ours)
    )
    UPDATE pg_class
    SET relpages = CASE relkind WHEN 'i' THEN 2 ELSE 1 END,
        reltuples = CASE pg_relation_size(oid) WHEN 0 THEN -1 ELSE 100000 END
    WHERE oid IN (SELECT oid FROM ours)
"""


def plan_of(asked, parameters=None, *, without=(), large=True, analyze=False):
    """The plan of a queryset or of a statement, without ways such as `seqscan` and `sort`.

    The same whatever the tables hold and held: as if each had very many rows, of which nothing
    else is known. If not `large`, by what `ANALYZE` has told: run it in the test.
    """
    statement = "EXPLAIN (ANALYZE) " if analyze else "EXPLAIN "
    if isinstance(asked, QuerySet):
        asked, parameters = asked.query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        if large:
            cursor.execute(_LARGE)
        for way in without:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(statement + asked, parameters)
        plan = "\n".join(line for (line,) in cursor)
        transaction.set_rollback(True)
    return plan
