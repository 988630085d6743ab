"""Logs: the tables whose rows are read in the order in which their transactions ended."""

from dataclasses import dataclass

from django.apps import apps


@dataclass(frozen=True)
class Log:
    """A table whose rows readers follow, and which only grows: what a row says stays true.

    `recorded_in` is the transaction that made a row part of the log, `number` the column with the
    number that the row got from a sequence when that happened; both are in an index, in this order.
    A writer has its transaction id before it takes a number, by a lock of a row or by
    `pg_current_xact_id()`: so an epoch can tell by the number who has written before it began.
    """

    name: str
    model: str
    number: str = "id"

    @property
    def table(self) -> str:
        return apps.get_model(self.model)._meta.db_table
