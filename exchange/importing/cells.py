"""Cells of files of contacts become values as contacts have them, row by row.

Most of an import's time is spent here: what is usual is decided in few steps, and values that come
again and again are looked up.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from activities.drafts import is_storable
from adminsite.harmless import without_apostrophe
from contacts.annotating import CannotAnnotate
from contacts.emails import mailbox
from contacts.guids import parse_guid
from contacts.places import find_country, find_state
from contacts.profile import InvalidField, check_field, max_length_of, may_have_state
from exchange.importing.dates import DAY_FIRST, DateFormat, NoDate
from exchange.importing.identifiers import read_identifier
from exchange.importing.lists import Lists
from exchange.importing.mapping import Column, Mapping
from exchange.importing.problems import LeftOut, Problem
from exchange.importing.tags import JOINT, TooManyTags, split

# A part of the emails that `check_email` takes: nearly all that there are.
_USUAL_EMAIL = re.compile(
    r"[A-Za-z0-9_-]{1,40}(?:[.+][A-Za-z0-9_-]{1,20}){0,3}"
    r"@(?:[A-Za-z0-9]{1,40}(?:-[A-Za-z0-9]{1,20})?\.){1,2}[A-Za-z]{2,20}"
)
# Also as files say it whose headers are recognised: in German, French, Spanish, Italian and Dutch.
_YES = frozenset({"yes", "true", "1", "ja", "wahr", "oui", "vrai", "sí", "sì"})
_NO = frozenset({"no", "false", "0", "nein", "falsch", "non", "faux", "nee", "falso"})
# A column that is called “unsubscribed”, as HubSpot's is, says yes or no.
_STATUSES = {
    **{"subscribed": "", "unsubscribed": "u", "cleaned": "c"},
    **dict.fromkeys(_NO, ""),
    **dict.fromkeys(_YES, "u"),
}
# The days 0 and 1 of spreadsheets, of which some begin to count a day or two earlier.
_OF_SPREADSHEETS = frozenset({"1899-12-30", "1899-12-31", "1900-01-01"})
# So many values of a column are remembered at a time.
_REMEMBERED = 20_000
_FORMULA = frozenset("'")
# Clocks of others, and time zones that they leave out.
_LATEST_AHEAD = timedelta(days=1)

type Cell = Callable[[str], str | Problem]
# The values in the order of `ContactRows.names`, why the row is refused, what was left out of it.
type Read = tuple[list[str], list[Problem], list[Problem]]


class ContactRows:
    """Reads the rows of a file of contacts, as a mapping says.

    :ivar names: what the values are that are read of a row, in their order: `email`, `mailbox`,
        `guid`, `agreed_at`, `agreed_ip`, `status`, `field_NAME`, `tags`, `lists`, `identifier_N`,
        `consent_N` (`y`, `n` or empty) with the number of the consent
    """

    def __init__(self, mapping: Mapping):
        self.names = ["email", "mailbox"]
        self._readers: list[tuple[int, Cell]] = []
        email = mapping.column("email")
        assert email is not None
        self._email, self._email_header = email.position, email.header
        self._country = self._state = -1
        for column in mapping.columns:
            self._add(column)
        state = mapping.column("state")
        self._state_header = state.header if state else ""
        consents = [f"consent_{consent.pk}" for consent in mapping.consents]
        self._answered = {
            self.names.index(f"consent_{one.target.consent.pk}"): one
            for one in mapping.columns
            if one.target.consent
        }
        every = [name for name in consents if name not in self.names]
        self.names += every
        self._every_row = ["y"] * len(every)
        self._status = self.names.index("status") if "status" in self.names else -1
        groups = mapping.column("groups")
        self._lists = (self.names.index("lists"), groups, Lists()) if groups else None

    def read(self, cells: list[str]) -> Read:
        """What a row says."""
        problems: list[Problem] = []
        left_out: list[Problem] = []
        email, key = self._read_email(cells[self._email])
        if isinstance(email, Problem):
            problems.append(email)
            email = ""
        values = [email, key]
        for position, read in self._readers:
            value = cells[position].strip()
            if value:
                if value[0] in _FORMULA:
                    value = without_apostrophe(value)
                found = read(value)
                if found.__class__ is Problem:
                    problems.append(found)  # type: ignore[arg-type]  # the class is faster to look at
                    value = ""
                elif found.__class__ is LeftOut:
                    left_out.append(found)  # type: ignore[arg-type]
                    value = ""
                else:
                    value = found  # type: ignore[assignment]
            values.append(value)
        if self._lists is not None:
            self._find_lists(values, left_out)
        if self._state >= 0 and values[self._state]:
            self._fit_state(values, problems, left_out)
        values += self._every_row
        for place, column in self._answered.items():
            if values[place] == "?":
                values[place] = ""
                message = f"{column.header} is neither yes nor no: it says nothing."
                found = _found(cells[column.position].strip())
                left_out.append(Problem("bad_answer", column.header, message, found))
        if self._status >= 0 and values[self._status]:
            # Who does not want emails agrees to nothing.
            self._revoke(values)
        return values, problems, left_out

    def _add(self, column: Column) -> None:
        target = column.target
        if target.field == "email":
            return
        name = f"field_{target.field}"
        if target.field in ("guid", "agreed_at", "agreed_ip", "tags"):
            name = target.field
        elif target.field == "email_status":
            name = "status"
        elif target.field == "groups":
            name = "lists"
        elif target.field == "identifier":
            name = f"identifier_{column.position}"
        elif target.consent is not None:
            name = f"consent_{target.consent.pk}"
        if target.field == "country":
            self._country = len(self.names)
        elif target.field == "state":
            self._state = len(self.names)
        self.names.append(name)
        self._readers.append((column.position, _reader_of(column)))

    def _read_email(self, cell: str) -> tuple[str | Problem, str]:
        email = cell.strip()
        if _USUAL_EMAIL.fullmatch(email):
            return email, email
        if not email:
            return "", ""
        email = without_apostrophe(email)
        if not is_storable(email):
            return _bad_text(self._email_header), ""
        try:
            check_field("email", email, called=self._email_header)
        except InvalidField as error:
            return Problem(error.code, self._email_header, error.detail, _found(email)), ""
        return email, mailbox(email)

    def _fit_state(
        self, values: list[str], problems: list[Problem], left_out: list[Problem]
    ) -> None:
        """Read a state, which only contacts in the USA have."""
        state = values[self._state]
        country = values[self._country] if self._country >= 0 else ""
        if not may_have_state(country):
            values[self._state] = ""
            message = f"{self._state_header} was left out: the contact is not in the USA."
            left_out.append(Problem("state_abroad", self._state_header, message, _found(state)))
        elif code := find_state(state):
            values[self._state] = code
        else:
            values[self._state] = ""
            message = f"{self._state_header} must be a US state, as CA or California."
            problems.append(Problem("bad_state", self._state_header, message, _found(state)))

    def _find_lists(self, values: list[str], left_out: list[Problem]) -> None:
        """Find the groups that a cell names."""
        assert self._lists is not None
        place, column, lists = self._lists
        if not values[place]:
            return
        values[place], unknown = lists.read(values[place], column.target.separator)
        for name in unknown:
            message = f"{column.header}: there is no contact group “{name[:60]}”."
            left_out.append(Problem("no_group", column.header, message, _found(name)))

    def _revoke(self, values: list[str]) -> None:
        unsubscribed = values[self._status] == "u"
        for place, name in enumerate(self.names):
            if name.startswith("consent_"):
                values[place] = "n" if unsubscribed else ""
            elif name in ("agreed_at", "agreed_ip"):
                # They are of the opt-in of before.
                values[place] = ""


def _reader_of(column: Column) -> Cell:
    field, header = column.target.field, column.header
    if field in ("birthday", "agreed_at"):
        read = _day if field == "birthday" else _time
        return _remembering(read(header, column.target.format or DAY_FIRST))
    if field == "country":
        return _remembering(lambda value: _country(header, value))
    if field == "consent":
        return _answer
    if field == "email_status":
        return lambda value: _status(header, value)
    if field == "guid":
        return lambda value: _guid(header, value)
    if field == "identifier":
        return _identifier(header)
    if field == "tags":
        return _remembering(_tags(header, column.target.separator))
    if field == "groups":
        return _text(header, None)  # they are found when the row is read
    if field == "state":
        return _text(header, None)  # it is read when the country is known
    if field == "agreed_ip":
        return _text(header, 200)
    if field in ("mobile_phone", "business_phone", "zip"):
        return _code(field, header)
    return _text(header, max_length_of(field))


def _remembering(read: Cell) -> Cell:
    known: dict[str, str | Problem] = {}

    def remembered(value: str) -> str | Problem:
        found = known.get(value)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[value] = read(value)
        return found

    return remembered


def _text(header: str, most: int | None) -> Cell:
    def read(value: str) -> str | Problem:
        if most is not None and len(value) > most:
            message = f"{header} may have at most {most} characters."
            return Problem("too_long", header, message, _found(value))
        if "\0" in value or not (value.isascii() or is_storable(value)):
            return _bad_text(header)
        return value

    return read


def _code(field: str, header: str) -> Cell:
    most = max_length_of(field) or 0

    def read(value: str) -> str | Problem:
        # Only a point could end as “.0”; so this is nearly all that there are.
        if "." not in value and len(value) <= most and value.isascii() and "\0" not in value:
            return value
        return _checked(field, header, value)

    return read


def _checked(field: str, header: str, value: str) -> str | Problem:
    if not is_storable(value):
        return _bad_text(header)
    try:
        return check_field(field, value, called=header)
    except InvalidField as error:
        return Problem(error.code, header, error.detail, _found(value))


def _day(header: str, date_format: DateFormat) -> Cell:
    def read(value: str) -> str | Problem:
        try:
            day = date_format.read(value).date().isoformat()
        except NoDate:
            return _no_date(header, date_format, value)
        if day in _OF_SPREADSHEETS:
            message = f"{header} is what spreadsheets make of an empty cell: leave it empty."
            return Problem("bad_date", header, message, _found(value))
        checked = _checked("birthday", header, day)
        return checked._replace(found=_found(value)) if isinstance(checked, Problem) else checked

    return read


def _time(header: str, date_format: DateFormat) -> Cell:
    def read(value: str) -> str | Problem:
        try:
            time: datetime = date_format.read(value)
        except NoDate:
            return _no_date(header, date_format, value)
        if time > timezone.now() + _LATEST_AHEAD:
            message = f"{header} must not be in the future."
            return Problem("bad_date", header, message, _found(value))
        return time.isoformat()

    return read


def _no_date(header: str, date_format: DateFormat, value: str) -> Problem:
    message = f"{header} must be a real date written as {date_format.text} or YYYY-MM-DD."
    return Problem("bad_date", header, message, _found(value))


def _country(header: str, value: str) -> str | Problem:
    if not is_storable(value):
        return _bad_text(header)
    if code := find_country(value):
        return code
    message = f"{header} must be a country: a code, as DEU or DE, or its name."
    return Problem("bad_country", header, message, _found(value))


def _guid(header: str, value: str) -> str | Problem:
    try:
        return str(parse_guid(value))
    except ValueError:
        message = f"{header} must be a GUID with hyphens."
        return Problem("bad_guid", header, message, _found(value))


def _answer(value: str) -> str:
    lower = value.lower()
    return "y" if lower in _YES else "n" if lower in _NO else "?"


def _tags(header: str, separator: str) -> Cell:
    def read(value: str) -> str | Problem:
        if not is_storable(value):
            return _bad_text(header)
        try:
            return JOINT.join(split(value, separator))
        except (CannotAnnotate, TooManyTags) as error:
            return Problem("bad_tag", header, f"{header}: {error}", _found(value))

    return read


def _identifier(header: str) -> Cell:
    is_text = _text(header, 250)

    def read(value: str) -> str | Problem:
        text = is_text(value)
        if isinstance(text, Problem):
            return text
        if found := read_identifier(text):
            return found
        message = f"{header} was left out: it is what programs send for want of an ID."
        return LeftOut("junk_id", header, message, _found(value))

    return read


def _status(header: str, value: str) -> str | Problem:
    status = _STATUSES.get(value.lower())
    if status is None:
        message = f"{header} must be subscribed, unsubscribed or cleaned."
        return Problem("bad_status", header, message, _found(value))
    return status


def _bad_text(header: str) -> Problem:
    message = f"{header} has NUL or half a character in it."
    return Problem("bad_text", header, message)


def _found(value: str) -> str:
    return value[:60].replace("\0", "␀")
