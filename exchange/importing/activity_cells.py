"""Rows of files of activities become drafts, which recording checks by its own rules."""

from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from activities.drafts import Draft, check_draft, is_credible, is_storable
from activities.models import ActivityType, MappedName
from activities.problems import InvalidActivity
from activities.specification import types_named
from adminsite.harmless import without_apostrophe
from contacts.emails import mailbox
from contacts.guids import parse_guid
from database.letter_case import fold
from database.questions import ask
from exchange.importing.dates import NoDate
from exchange.importing.mapping import Column, Mapping
from exchange.importing.problems import Problem

# What the table of rows keeps of each, in this order.
NAMES = ["mailbox", "guid", "type", "time", "value", "title", "url", "referrer", "id", "properties"]
DOOR = "import"
_TEXTS = ("type", "value", "title", "url", "referrer", "id")


class ActivityRows:
    """Reads the rows of a file of activities, as a mapping says."""

    def __init__(self, mapping: Mapping):
        self.names = NAMES
        self._columns = {one.target.field: one for one in mapping.columns}
        self._properties = mapping.columns_of("property")
        self._type = next((one.value for one in mapping.every_row if one.field == "type"), "")
        # Nothing can be asked for while rows are copied.
        self._types: dict[str, ActivityType | InvalidActivity] = {**all_types()}

    def read(self, cells: list[str]) -> tuple[list[str], list[Problem], list[Problem]]:
        """What a row says, and why it would be refused."""
        problems: list[Problem] = []
        given = {name: self._cell(name, cells) for name in _TEXTS}
        given["type"] = given["type"] or self._type
        found = {
            **given,
            "mailbox": mailbox(self._cell("email", cells)),
            "guid": self._guid(cells, problems),
            "time": self._time(cells, problems),
            "properties": self._properties_of(cells, problems),
        }
        for name, text in found.items():
            if not is_storable(text):
                column = self._columns[name].header if name in self._columns else name
                problems.append(Problem("bad_text", column, f"{column} has NUL in it."))
                found[name] = ""
        if not problems:
            self._check(found, problems)
        return [found[name] for name in NAMES], problems, []

    def _cell(self, name: str, cells: list[str]) -> str:
        column = self._columns.get(name)
        return without_apostrophe(cells[column.position].strip()) if column else ""

    def _guid(self, cells: list[str], problems: list[Problem]) -> str:
        text = self._cell("guid", cells)
        try:
            return str(parse_guid(text)) if text else ""
        except ValueError:
            header = self._columns["guid"].header
            message = f"{header} must be a GUID with hyphens."
            problems.append(Problem("bad_guid", header, message, text[:60]))
            return ""

    def _time(self, cells: list[str], problems: list[Problem]) -> str:
        text, column = self._cell("time", cells), self._columns.get("time")
        if not text or column is None or column.target.format is None:
            return ""
        try:
            time = column.target.format.read(text)
        except NoDate:
            message = f"{column.header} must be a real time, as {column.target.format.text}."
            problems.append(Problem("bad_date", column.header, message, text[:60]))
            return ""
        if not is_credible(time, timezone.now()):
            message = f"{column.header} must not be before 1971, or later than tomorrow."
            problems.append(Problem("bad_date", column.header, message, text[:60]))
        return time.isoformat()

    def _properties_of(self, cells: list[str], problems: list[Problem]) -> str:
        if self._properties:
            found = {
                one.target.name: without_apostrophe(text)
                for one in self._properties
                if (text := cells[one.position].strip())
            }
            return msgspec.json.encode(found).decode() if found else ""
        text = self._cell("properties", cells)
        if not text:
            return ""
        try:
            msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            header = self._columns["properties"].header
            message = f"{header} must be an object of JSON."
            problems.append(Problem("bad_properties", header, message, text[:60]))
        return text

    def _check(self, found: dict[str, str], problems: list[Problem]) -> None:
        try:
            check_draft(draft_of(found), self._types, timezone.now())
        except InvalidActivity as problem:
            problems.append(problem_of(problem, self._columns))


def all_types() -> dict[str, ActivityType]:
    """The types that rows can be of, by their names in lower case, mapped names among them."""
    names = {fold(name) for name in ActivityType.objects.values_list("code_name", flat=True)}
    names |= {fold(name) for name in MappedName.objects.values_list("sent", flat=True)}
    (known,) = ask(types_named(names))
    return known.of(DOOR, 0)


def draft_of(found: dict[str, str]) -> Draft:
    """The activity that a row says."""
    return Draft(
        type=found["type"],
        value=found["value"] or None,
        title=found["title"] or None,
        url=found["url"] or None,
        referrer=found["referrer"] or None,
        client_id=found["id"] or None,
        occurred_at=datetime.fromisoformat(found["time"]) if found["time"] else None,
        properties=msgspec.json.decode(found["properties"]) if found["properties"] else None,
        texts_only=True,
    )


def problem_of(problem: InvalidActivity, columns: dict[str, Column]) -> Problem:
    """Why recording refuses a row."""
    column = columns.get(problem.field)
    return Problem(problem.code, column.header if column else problem.field, problem.detail)
