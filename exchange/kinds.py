"""The kinds of objects that configuration files have: a table, in which each kind is a line.

`settings.CONFIGURATION_KINDS` names the declarations, so that rooms above this one have kinds too.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Field, Model, QuerySet
from django.utils.module_loading import import_string

from exchange.members import Column, Key, Member, Rows, column_for


def _lock_nothing() -> None:
    pass


def _check_nothing(row: Any, changed: Collection[str], given: Collection[str]) -> None:
    pass


def _save(row: Any, changed: Collection[str]) -> None:
    row.save(update_fields=None if row._state.adding else changed)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of configured object.

    Its members are the editable columns of the model by their names, `code_name` aside, which tells
    objects apart, and what `more` adds.

    :param name: what files call the kind
    :param called: names of members that are not those of the columns
    :param secrets: columns that are read but never dumped
    :param special: how to make the member of a column that is not as usual
    :param more: members that are not editable columns: rows that belong to the object, above all
    :param prefetch: what members read of related rows
    :param lock: what to lock before the objects are, as whatever else saves them does
    :param check: rules for objects beyond those of the model, raising ValidationError; gets the
        row, the columns that differ, and the members that a file has, before the row is saved
    :param save: saves these columns of a row, or a whole new row, as the admin does
    """

    name: str
    model: type[Model]
    called: Mapping[str, str] = field(default_factory=dict)
    secrets: Collection[str] = ()
    special: Mapping[str, Callable[[Field], Column]] = field(default_factory=dict)
    more: Sequence[Member] = ()
    prefetch: Sequence[str] = ()
    lock: Callable[[], None] = _lock_nothing
    check: Callable[[Any, Collection[str], Collection[str]], None] = _check_nothing
    save: Callable[[Any, Collection[str]], None] = _save

    @cached_property
    def members(self) -> dict[str, Member]:
        """The members by their names, in the order in which files have them."""
        fields = [one for one in self.model._meta.fields if self._is_member(one)]
        members = [*map(self._member, fields), *self.more]
        return {member.name: member for member in members}

    @cached_property
    def member_of(self) -> dict[str, str]:
        """The names of the members that are columns, by the names of these."""
        return {column.field.name: column.name for column in self.columns}

    @property
    def title(self) -> str:
        """What users call an object of this kind."""
        return str(self.model._meta.verbose_name)

    @property
    def columns(self) -> list[Column]:
        """The members that are columns."""
        return [member for member in self.members.values() if isinstance(member, Column)]

    @property
    def rows(self) -> list[Rows]:
        """The members that are rows of their own."""
        return [member for member in self.members.values() if isinstance(member, Rows)]

    def objects(self) -> QuerySet:
        """All objects, with what their members read."""
        keys = [column.field.name for column in self.columns if isinstance(column, Key)]
        objects = self.model._default_manager.order_by("pk")
        return objects.select_related(*keys).prefetch_related(*self.prefetch)

    def _is_member(self, field: Field) -> bool:
        return field.editable and not field.primary_key and field.name != "code_name"

    def _member(self, field: Field) -> Column:
        if field.name in self.special:
            return self.special[field.name](field)
        name, is_secret = self.called.get(field.name, ""), field.name in self.secrets
        return column_for(field, name=name, is_secret=is_secret)


def all_kinds() -> dict[str, Kind]:
    """Every kind by its name, what is referred to before what refers to it."""
    return _load(tuple(settings.CONFIGURATION_KINDS))


# The table of a process stays as it is; tests have others.
@lru_cache(maxsize=10)
def _load(paths: tuple[str, ...]) -> dict[str, Kind]:
    kinds: list[Kind] = [import_string(path) for path in paths]
    return {kind.name: kind for kind in kinds}
