"""Columns: what lists and pages show of a row, declared where Django takes the name of a field."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from django.db.models import Model
from django.db.models.expressions import Combinable
from django.utils.text import capfirst

from adminsite.formatting import EMPTY, badge, copyable, link_to, moment, pretty_json, shortened
from adminsite.permissions import AnyUser, May


# Columns are compared by identity: Django looks them up in dictionaries and lists of fields.
@dataclass(frozen=True, eq=False)
class Column:
    """One value of a row, as it is: in a list, among read-only fields, or called with the row.

    `of` is a path with dots, such as "channel.name", or a function of the row. `title` is by
    default the first name of the path. Users for whom `may_see` is false see the column `instead`,
    or none.
    """

    of: str | Callable[[Any], object]
    title: str = ""
    _: KW_ONLY
    ordering: str | Combinable | None = None
    empty: str = EMPTY
    may_see: May | None = None
    instead: "Column | None" = None
    left_out: str = ""

    def __call__(self, row: Any) -> object:
        value = self.read(row)
        return self.empty if value is None or value == "" else self.show(value)

    def read(self, row: Any) -> object:
        """The value of `row`; None if the path ends before."""
        if callable(self.of):
            return self.of(row)
        value: object = row
        for name in self.of.split("."):
            value = None if value is None else getattr(value, name)
        return value

    def show(self, value: Any) -> object:
        """What the column says for `value`, which is not empty."""
        return value

    @property
    def name(self) -> str:
        """The first name of the path, or that of the function."""
        return self.of.__name__ if callable(self.of) else self.of.partition(".")[0]

    @property
    def __name__(self) -> str:
        # By the name of a field, Django would find the help text of that field.
        return f"shown_{self.name}"

    @property
    def short_description(self) -> str:
        return self.title or capfirst(self.name.replace("_", " "))

    @property
    def admin_order_field(self) -> str | Combinable | None:
        return self.ordering


class Short(Column):
    """A text on one line, whole in the tooltip."""

    def show(self, value: str) -> object:
        return shortened(value)


class Code(Column):
    """A code with a button that copies it."""

    def show(self, value: object) -> object:
        return copyable(value)


class Count(Column):
    """A number with separators."""

    def show(self, value: int) -> object:
        return f"{value:,}"


class Link(Column):
    """A link to the page of another row."""

    def show(self, value: Model) -> object:
        return link_to(value)


class Json(Column):
    """A JSON value, one member a line."""

    def show(self, value: object) -> object:
        return pretty_json(value)


@dataclass(frozen=True, eq=False)
class Moment(Column):
    """A time in the time zone of the user, with the `seconds` or without."""

    seconds: bool = False

    def show(self, value: Any) -> object:
        return moment(value, seconds=self.seconds)


@dataclass(frozen=True, eq=False)
class Badge(Column):
    """A coloured label: `labels` has the text and the kind of badge for each value.

    A value that is not there is its own text, on a label of the kind `kind`.
    """

    labels: Mapping[Any, tuple[str, str]] | None = None
    kind: str = "neutral"

    def show(self, value: Any) -> object:
        return badge(*(self.labels or {}).get(value, (value, self.kind)))


def labels_of(kinds: Mapping[Any, str]) -> dict[Any, tuple[str, str]]:
    """The `labels` of a badge of choices: their own, and these kinds."""
    return {choice: (choice.label, kind) for choice, kind in kinds.items()}


def seen_by(user: AnyUser, columns: Iterable) -> tuple:
    """`columns`, with what this user sees in the place of those not meant for them."""
    seen = (_seen_by(user, column) for column in columns)
    return tuple(column for column in seen if column is not None)


def _seen_by(user: AnyUser, column: Any) -> Any:
    is_hidden = isinstance(column, Column) and column.may_see and not column.may_see(user)
    return column.instead if is_hidden else column
