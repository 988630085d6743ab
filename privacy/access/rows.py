"""Rows about a person as they are told: read in portions, without what is of other people."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from types import NoneType
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.db import models
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.text import capfirst

from adminsite.formatting import visible
from adminsite.harmless import harmless
from adminsite.roles import roles_of
from contacts.names_in_texts import Others, names_in, replaced
from contacts.telling import Person, Says, Telling

# So many rows are in memory at a time.
PORTION = 2_000
SOMEBODY = "A user of the hub"

type Row = dict[str, Any]


class Column:
    """A column that is told, with what the model knows of it."""

    def __init__(self, model: type[models.Model], says: Says):
        self.says, self.name, self.title = says, says.name, says.title
        field = _field_of(model, says.of)
        self.choices = dict(field.flatchoices) if field is not None and field.choices else {}
        is_text = field is None or isinstance(
            field, models.CharField | models.TextField | models.JSONField
        )
        self.may_name = says.may_name and is_text and not self.choices

    def words(self, value: Any) -> Any:
        """What people read of a value."""
        if self.says.words is not None and value not in (None, ""):
            return self.says.words(value)
        return self.choices.get(value, value) if isinstance(value, str | int) else value


class Table:
    """The rows of one table about one person.

    :ivar is_provided: whether only what the person provided, or what was observed, is told
    """

    def __init__(self, telling: Telling, person: Person, *, is_provided: bool = False):
        self.telling, self._person, self._is_provided = telling, person, is_provided
        self.name = telling.name
        self._all = [Column(telling.model, says) for says in telling.columns]
        self.columns = [one for one in self._all if one.title]
        # What is not told as it was read: nothing is done to the other columns of very many rows.
        self._hidden = [one.name for one in self._all if not one.title]
        self._users = [one.name for one in self.columns if one.says.is_user]
        self._shown = [(one.name, one.says.show) for one in self.columns if one.says.show]

    def portions(self, others: Others, roles: "Roles") -> Iterator[list[tuple[Row, bytes]]]:
        """The rows, by the names of columns, and as JSON; in portions.

        A portion takes a fixed number of queries.
        """
        names = [one.name for one in self._all]
        values = self._values()
        while portion := [dict(zip(names, row, strict=True)) for row in islice(values, PORTION)]:
            yield self._told(portion, others, roles)

    def _values(self) -> Iterator[tuple]:
        rows = self.telling.rows_of(self._person)
        if self._is_provided and self.telling.narrow is not None:
            rows = self.telling.narrow(rows)
        # A cursor of the server: what is not needed yet stays there.
        return rows.values_list(*(one.says.of for one in self._all)).iterator(chunk_size=PORTION)

    def _told(self, portion: list[Row], others: Others, roles: "Roles") -> list[tuple[Row, bytes]]:
        telling = self.telling
        change = telling.change_provided if self._is_provided else telling.change
        if change is not None:
            portion = change(self._person, portion)
        for row in portion:
            for name in self._hidden:
                del row[name]
            for name in self._users:
                row[name] = roles.of(row[name])
            for name, show in self._shown:
                row[name] = show(row[name])
        return self._without_others(portion, others)

    def _without_others(self, rows: list[Row], others: Others) -> list[tuple[Row, bytes]]:
        """The rows without emails and GUIDs of other contacts, which are looked up together."""
        encoded = [as_json(row) for row in rows]
        found = names_in(_without_escapes(b"\n".join(encoded).decode()))
        if not (named := others.learn(set(found))):
            return list(zip(rows, encoded, strict=True))
        marks = [name.encode() for name in named]
        columns = [one.name for one in self.columns if one.may_name]
        for number, row in enumerate(rows):
            if any(mark in encoded[number] for mark in marks):
                for one in columns:
                    row[one] = replaced(row[one], others.is_other)
                encoded[number] = as_json(row)
        return list(zip(rows, encoded, strict=True))


class Roles:
    """What is told of users of the admin: what they are for, never who they are."""

    def __init__(self) -> None:
        users = User.objects.filter(groups__isnull=False).distinct().prefetch_related("groups")
        self._roles = {
            user.pk: " and ".join(role.name for role in roles)
            for user in users
            if (roles := roles_of(user))
        }

    def of(self, user_id: int | None) -> str | None:
        """The role of a user."""
        return None if user_id is None else self._roles.get(user_id, SOMEBODY)


def as_json(row: Row) -> bytes:
    """A row for programs: times in ISO 8601."""
    return msgspec.json.encode(row, enc_hook=str)


def as_cell(value: Any) -> str:
    """A value in a CSV; what has parts is JSON, and no spreadsheet takes a text for a formula."""
    # By its type, since it is asked for each value of very many rows.
    write = _CELLS.get(type(value))
    if write is not None:
        return write(value)
    return harmless(value) if isinstance(value, str) else str(value)


def _parts_as_cell(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


_CELLS: dict[type, Callable[[Any], str]] = {
    str: harmless,
    NoneType: lambda value: "",
    bool: lambda value: "yes" if value else "no",
    datetime: datetime.isoformat,
    dict: _parts_as_cell,
    list: _parts_as_cell,
    tuple: _parts_as_cell,
}


def in_words(value: Any) -> Any:
    """A value as people read it; lists and objects stay, for the page to show."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return format_date(timezone.localtime(value), "j F Y, H:i:s T")
    if isinstance(value, date):
        return format_date(value, "j F Y")
    if isinstance(value, dict):
        return {visible(str(key)): in_words(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [in_words(one) for one in value]
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value


def _without_escapes(text: str) -> str:
    """JSON without the escapes of one letter that could be the beginning of a name."""
    return text.replace("\\n", "  ").replace("\\r", "  ").replace("\\t", "  ")


def _field_of(model: type[models.Model], of: object) -> models.Field | None:
    """The field at the end of a path; None of an expression."""
    if not isinstance(of, str):
        return None
    found: Any = None
    for name in of.split("__"):
        # Also by the name of a key's column, such as by_id.
        by_column = {one.attname: one for one in model._meta.concrete_fields}
        found = by_column.get(name) or model._meta.get_field(name)
        if found.is_relation:
            model = found.related_model
    return found


def label_of(name: str) -> str:
    """What people call a member whose name is for programs."""
    return capfirst(name.replace("_", " "))
