"""Conditions on rows by many keys at once."""

from collections.abc import Iterable

from django.db.models import BooleanField, F, Func, Value

from database.cursors import array_of


class Among(Func):
    """Whether a key is one of these: one parameter, however many there are.

    `__in` has one for each, and Django and psycopg take longer with those than PostgreSQL with
    the rows.
    """

    template = "%(expressions)s::bigint[])"
    arg_joiner = " = ANY("
    output_field = BooleanField()

    def __init__(self, key: str, ids: Iterable[int]):
        super().__init__(F(key), Value(array_of(ids)))
