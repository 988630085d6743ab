"""Columns of the list of contacts that apps above this one add."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from unfold.decorators import display

from contacts.models import Contact


@dataclass(frozen=True)
class ContactColumn:
    """A column for users with its `permission`.

    `value` makes the expression that reads the value of a row; `show` turns the value into what
    the column says.
    """

    name: str
    title: str
    permission: str
    value: Callable[[], Combinable]
    show: Callable[[Any], object]

    def as_display(self) -> Callable[[Contact], object]:
        """The column as Django's `list_display` takes it."""

        def cell(contact: Contact) -> object:
            return self.show(getattr(contact, self.name))

        cell.__name__ = self.name
        return display(description=self.title)(cell)


_columns: list[ContactColumn] = []


def register_column(column: ContactColumn) -> None:
    """Add a column at the end of the list of contacts."""
    _columns.append(column)


def columns_for(request: HttpRequest) -> list[ContactColumn]:
    """The added columns that this user may see."""
    return [column for column in _columns if request.user.has_perm(column.permission)]


def add_values(queryset: QuerySet, columns: list[ContactColumn]) -> QuerySet:
    """`queryset` with what the columns show."""
    return queryset.annotate(**{column.name: column.value() for column in columns})
