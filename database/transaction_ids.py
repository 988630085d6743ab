"""The column by which readers follow a log: the transaction that wrote a row."""

from django.db import models


class TransactionIdField(models.Field):
    """The 64-bit id of the transaction that inserted a row (PostgreSQL's xid8).

    Readers of the log order by it: below `pg_snapshot_xmin(pg_current_snapshot())` no row can be
    added any more.
    """

    def db_type(self, connection):
        return "xid8"


class CurrentTransactionId(models.Func):
    function = "pg_current_xact_id"
    template = "%(function)s()"
    output_field = TransactionIdField()
