"""Mappings: which column of a file means what.

`{"E-mail": "email", "Born": {"field": "birthday", "format": "DD/MM/YYYY"}, "News": "consent:news"}`
"""

import dataclasses
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from typing import Any

from consents.models import Consent
from contacts.profile import FIELDS
from database.letter_case import fold
from exchange.importing.dates import BadFormat, DateFormat
from exchange.importing.identifiers import KINDS, LONGEST_SITE
from exchange.importing.tags import SEPARATORS
from exchange.models import Import

# The name of no column: what it means holds for every row.
EVERY_ROW = ""
_CONTACTS, _ACTIVITIES = Import.Kind.CONTACTS, Import.Kind.ACTIVITIES
_DATES = {_CONTACTS: ("birthday", "agreed_at"), _ACTIVITIES: ("time",)}
_NAMES = {
    _CONTACTS: (*FIELDS, "guid", "agreed_at", "agreed_ip", "email_status", "tags", "groups"),
    _ACTIVITIES: (
        *("guid", "email", "type", "time", "value", "title", "url", "referrer", "id"),
        "properties",
    ),
}
_MORE = {
    _CONTACTS: "consent:CODE, identifier:SITE:KIND",
    _ACTIVITIES: "property:NAME",
}


class InvalidMapping(ValueError):
    """A mapping cannot be used; the message says in a line which column is wrong, and why."""


@dataclass(frozen=True)
class Target:
    """What a column means: a field, or a consent, property or identifier by its `name`."""

    field: str
    name: str = ""
    format: DateFormat | None = None
    # What stands between two tags or groups; "" is found out for each cell.
    separator: str = ""
    # What every row has, of a target that is of no column.
    value: str = ""
    consent: Consent | None = dataclasses.field(default=None, compare=False)

    @property
    def is_date(self) -> bool:
        """Whether its values are dates, or times."""
        return self.field in ("birthday", "agreed_at", "time")

    def __str__(self) -> str:
        return f"{self.field}:{self.name}" if self.name else self.field


@dataclass(frozen=True)
class Column:
    """A column of the file that means something."""

    position: int
    header: str
    target: Target


@dataclass(frozen=True)
class Mapping:
    """What the columns of a file mean, in the order of the file; and what holds for every row."""

    kind: str
    columns: tuple[Column, ...]
    every_row: tuple[Target, ...] = ()

    @classmethod
    def of(cls, json: object, headers: Sequence[str], *, kind: str = _CONTACTS) -> "Mapping":
        """The mapping that a user wrote for a file with these headers.

        :raises InvalidMapping: if it cannot be used
        """
        if not isinstance(json, dict):
            raise InvalidMapping(
                'A mapping is an object of columns and fields: {"E-mail": "email"}.'
            )
        every_row = tuple(_every_row(json.get(EVERY_ROW), kind))
        columns = [
            Column(_position(header, headers), header, target)
            for header, said in json.items()
            if header != EVERY_ROW and (target := _target(header, said, kind)) is not None
        ]
        mapping = cls(kind, tuple(sorted(columns, key=lambda one: one.position)), every_row)
        mapping._check()
        return mapping._with_consents()

    @staticmethod
    def by_names(headers: Sequence[str], *, kind: str = _CONTACTS) -> dict[str, str]:
        """The mapping of the headers that are names of fields, as JSON; others are left out."""
        found: dict[str, str] = {}
        for header in headers:
            name = header.strip()
            is_special = name.partition(":")[0] in ("consent", "property", "identifier")
            target = name if is_special and ":" in name else name.lower()
            # An entry may begin an automation: only who says so puts contacts into groups.
            is_taken = target in found.values() or target == "groups"
            if not is_taken and is_target(target, kind):
                found[header] = target
        return found

    def column(self, field: str) -> Column | None:
        """The column that means this field, if there is one."""
        return next((one for one in self.columns if one.target.field == field), None)

    def columns_of(self, field: str) -> list[Column]:
        """The columns that mean consents, properties or identifiers."""
        return [one for one in self.columns if one.target.field == field]

    @property
    def consents(self) -> list[Consent]:
        """The consents that rows answer, each once."""
        targets = (*(one.target for one in self.columns), *self.every_row)
        return list(dict.fromkeys(one.consent for one in targets if one.consent))

    def undecided(self) -> list[Column]:
        """Columns of dates of which the mapping does not say how they are written."""
        return [one for one in self.columns if one.target.is_date and one.target.format is None]

    def with_formats(self, formats: MappingOf[int, DateFormat]) -> "Mapping":
        """The same with formats for columns, by their positions."""
        columns = tuple(
            replace(one, target=replace(one.target, format=formats[one.position]))
            if one.position in formats
            else one
            for one in self.columns
        )
        return replace(self, columns=columns)

    def _check(self) -> None:
        taken: dict[str, str] = {}
        for column in self.columns:
            name = fold(str(column.target))
            if name in taken:
                raise InvalidMapping(
                    f"The columns “{taken[name]}” and “{column.header}” both mean "
                    f"{column.target}: leave one of them out."
                )
            taken[name] = column.header
        if self.kind == _CONTACTS and "email" not in taken:
            raise InvalidMapping(
                "No column means email: name it in the mapping, as in {“E-mail”: “email”}."
            )
        if self.kind == _ACTIVITIES:
            if not {"email", "guid"} & taken.keys():
                raise InvalidMapping("No column means guid or email: whose activities are these?")
            if "type" not in taken and not any(one.field == "type" for one in self.every_row):
                raise InvalidMapping("No column means type: which activities are these?")
            if "properties" in taken and self.columns_of("property"):
                raise InvalidMapping(
                    "There are columns of single properties, and one of all properties: leave out "
                    f"“{taken['properties']}” or the others."
                )

    def _with_consents(self) -> "Mapping":
        consents = {fold(one.code_name): one for one in Consent.objects.all()}

        def known(target: Target, where: str) -> Target:
            if target.field != "consent":
                return target
            consent = consents.get(fold(target.name))
            if consent is None:
                raise InvalidMapping(f"{where}: there is no consent “{target.name}”.")
            return replace(target, consent=consent)

        columns = tuple(
            replace(one, target=known(one.target, f"Column “{one.header}”")) for one in self.columns
        )
        every_row = tuple(known(one, "For every row") for one in self.every_row)
        return replace(self, columns=columns, every_row=every_row)


def _position(header: str, headers: Sequence[str]) -> int:
    if header in headers:
        return headers.index(header)
    alike = [
        place for place, one in enumerate(headers) if fold(one.strip()) == fold(header.strip())
    ]
    if len(alike) == 1:
        return alike[0]
    known = ", ".join(f"“{one}”" for one in headers[:20])
    more = f" and {len(headers) - 20:,} more" if len(headers) > 20 else ""
    raise InvalidMapping(f"The file has no column “{header}”. It has {known}{more}.")


def _every_row(said: Any, kind: str) -> Iterator[Target]:
    for one in said if isinstance(said, list) else [said] if said else []:
        target = _target(EVERY_ROW, one, kind)
        allowed = "consent" if kind == _CONTACTS else "type"
        if target is None or target.field != allowed:
            example = "“consent:CODE”" if kind == _CONTACTS else '{"field": "type", "value": …}'
            raise InvalidMapping(f"What holds for every row (the column “”) can be {example} only.")
        if target.field == "type" and not target.value:
            raise InvalidMapping("What type every row is of: give its code name as “value”.")
        yield target


def _target(header: str, said: Any, kind: str) -> Target | None:
    where = f"Column “{header}”"
    options: dict[str, Any] = {}
    if isinstance(said, dict):
        options = {name: value for name, value in said.items() if name != "field"}
        said = said.get("field")
    if said is None or said == "":
        return None
    if not isinstance(said, str):
        raise InvalidMapping(f"{where}: a field is a text, such as “first_name”.")
    name, colon, of = said.strip().partition(":")
    if not colon:
        name = name.lower()
    if not is_target(f"{name}{colon}{of}", kind):
        known = ", ".join(_NAMES[Import.Kind(kind)])
        raise InvalidMapping(
            f"{where}: there is no field “{said}”. There are {known}, {_MORE[Import.Kind(kind)]}."
        )
    target = Target(name, of.strip())
    if text := options.pop("format", None):
        if not target.is_date:
            raise InvalidMapping(f"{where}: {target} is no date, and has no format.")
        try:
            target = replace(target, format=DateFormat.of(str(text)))
        except BadFormat as error:
            raise InvalidMapping(f"{where}: {error}") from None
    if (separator := options.pop("separator", None)) is not None:
        if name not in ("tags", "groups") or separator not in SEPARATORS:
            raise InvalidMapping(
                f"{where}: tags and groups alone have a separator: {' or '.join(SEPARATORS)}"
            )
        target = replace(target, separator=separator)
    if header == EVERY_ROW and "value" in options:
        target = replace(target, value=str(options.pop("value")))
    if options:
        unknown = next(iter(options))
        raise InvalidMapping(
            f"{where}: “{unknown}” is not known here. Known: field, format, separator."
        )
    return target


def is_target(text: str, kind: str) -> bool:
    """Whether a column of a file of this kind can mean that, such as `consent:news`."""
    name, colon, of = text.partition(":")
    if not colon:
        return name in _NAMES[Import.Kind(kind)]
    if kind == _ACTIVITIES:
        return name == "property" and bool(of.strip())
    if name == "identifier":
        site, _, identifier_kind = of.rpartition(":")
        return 0 < len(site) <= LONGEST_SITE and identifier_kind in KINDS
    return name == "consent" and bool(of.strip())
