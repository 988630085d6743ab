"""Columns of the list of contacts that apps above this one add."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, QuerySet, TextField, When
from django.db.models.expressions import Combinable

from adminsite.columns import Column, seen_by
from adminsite.permissions import AnyUser, May

ANONYMOUS = Q(email="", first_name="", middle_name="", last_name="")


@dataclass(frozen=True)
class Trace:
    """Something that tells anonymous contacts apart in the list, for users who `may_see` it.

    :ivar value: makes the expression that reads it, a text or NULL
    :ivar say: makes words of the text; "" says nothing
    """

    name: str
    value: Callable[[], Combinable]
    say: Callable[[str], str]
    may_see: May


_traces: list[Trace] = []

# With what makes the expression that reads the value of each row.
_added: dict[Column, Callable[[], Combinable]] = {}


def register_column(column: Column, value: Callable[[], Combinable]) -> None:
    """Add a column at the end of the list of contacts; `value` makes what the rows have of it."""
    _added[column] = value


def added_columns(user: AnyUser) -> tuple[Column, ...]:
    """The added columns that this user may see."""
    return seen_by(user, _added)


def with_values(queryset: QuerySet, columns: tuple[Column, ...]) -> QuerySet:
    """`queryset` with what the columns show."""
    return queryset.annotate(**{column.name: _added[column]() for column in columns})


def register_trace(trace: Trace) -> None:
    """Have anonymous contacts in the list called by this as well."""
    _traces.append(trace)


def with_traces(queryset: QuerySet, user: AnyUser) -> QuerySet:
    """`queryset` with what tells its anonymous contacts apart, as far as this user may see it."""
    return queryset.annotate(
        **{
            f"trace_{one.name}": Case(
                When(ANONYMOUS, then=one.value()), default=None, output_field=TextField()
            )
            for one in _traces
            if one.may_see(user)
        }
    )


def said_traces(contact: Any) -> list[str]:
    """What tells an anonymous contact of `with_traces` from others, in words."""
    values = ((one, getattr(contact, f"trace_{one.name}", None)) for one in _traces)
    return [words for one, value in values if value and (words := one.say(value))]
