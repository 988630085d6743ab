"""Texts in which people are named although the rows are not theirs: queries, histories, errors.

A room registers them with `forget_in`. An erasure replaces the GUIDs, emails and full names of the
person there, whether they stand as they are or escaped as in an address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from urllib.parse import quote, quote_plus

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import JSONField, Model

from adminsite.models import AuditEntry, SavedView
from contacts.erasures import Erased, forget_texts
from contacts.models import Contact
from contacts.names_among import NamesAmong
from contacts.records import label_of
from jobs.models import BulkAction, Chore
from readers.models import ReaderState

# What stands where a name was.
ERASED = "erased"
# What the admin's history calls contacts.
_ERASED_CONTACT = "Erased contact"
# Files that users upload may be called ann@example.com.csv.
_EXTENSION = r"(?:csv|tsv|txt|json|xlsx|xlsb|xls|ods|zip)(?![[:alnum:]_.-])"
# With the words alone, ann@example.com would take mary-ann@example.com along.
_PATTERN = rf"(?<![[:alnum:]_.+-])({{}})(?![[:alnum:]_-]|\.(?!{_EXTENSION})[[:alnum:]_])"
# PostgreSQL is asked for so many spellings at once. Of more, those are looked for first that there
# are: a hundred cost it hardly more than one, and thousands too much.
_MOST_AT_ONCE = 100
_READ_AT_ONCE = 2_000
_AUDITED = "concat_ws(' ', name, detail, before::text, after::text)"
# An entry is never edited, so a new one takes its place, of the same time.
_FORGET_IN_AUDIT_LOG = f"""
WITH gone AS (
    DELETE FROM adminsite_auditentry WHERE {_AUDITED} ~* %(pattern)s
    RETURNING *
)
INSERT INTO adminsite_auditentry
SELECT (jsonb_populate_record(NULL::adminsite_auditentry, to_jsonb(gone) || jsonb_build_object(
    'name', regexp_replace(name, %(pattern)s, %(erased)s, 'gi'),
    'detail', regexp_replace(detail, %(pattern)s, %(erased)s, 'gi'),
    'before', regexp_replace(before::text, %(pattern)s, %(erased)s, 'gi')::jsonb,
    'after', regexp_replace(after::text, %(pattern)s, %(erased)s, 'gi')::jsonb
))).* FROM gone
"""  # noqa: S608 -- of a text of our own

_places: dict[type[Model], tuple[str, ...]] = {}


def forget_in(model: type[Model], *fields: str) -> None:
    """Have these texts (JSON and arrays as well) of all rows of `model` forget erased people.

    All of its rows are read for it: it is for tables with few of them.
    """
    _places[model] = fields


def patterns_of(erased: Erased, texts: Iterable[str]) -> list[str]:
    """Regular expressions of PostgreSQL, for any letter case, of what names people in `texts`.

    Of one person, with a few names, there is one, and the texts are not read. Otherwise there is
    one for every hundred of the spellings that may stand in the texts, and none if none does.
    """
    names = {*erased.spellings, *erased.full_names}
    written = {way(name) for name in names for way in (str, _quoted, quote_plus)}
    if len(written) > _MOST_AT_ONCE:
        written = NamesAmong(written).found_in(texts)
    # The longest first: what is within another would leave the rest of that one.
    in_order = sorted(written, key=lambda name: (-len(name), name))
    return [
        _PATTERN.format("|".join(map(_escaped, some))) for some in batched(in_order, _MOST_AT_ONCE)
    ]


def texts_of(table: str, text: str, where: str = "true") -> Iterator[str]:
    """The values of an expression of SQL of all rows of a table, read bit by bit."""
    table = connection.ops.quote_name(table)
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {text} FROM {table} WHERE {where}")  # noqa: S608 -- of our own
        while rows := cursor.fetchmany(_READ_AT_ONCE):
            yield from (value for (value,) in rows)


def forget_in_rows(model: type[Model], fields: tuple[str, ...], erased: Erased) -> int:
    """Put a word in the place of what names people in these fields; how often rows have changed."""
    columns = {_column_of(model, name): _type_of(model, name) for name in fields}
    text = f"concat_ws(' ', {', '.join(f'{column}::text' for column in columns)})"
    setting = ", ".join(
        f"{column} = regexp_replace({column}::text, %(pattern)s, %(erased)s, 'gi')::{kind}"
        for column, kind in columns.items()
    )
    table, count = model._meta.db_table, 0
    for pattern in patterns_of(erased, texts_of(table, text)):
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {connection.ops.quote_name(table)} SET {setting}"  # noqa: S608
                f" WHERE {text} ~* %(pattern)s",
                {"pattern": pattern, "erased": ERASED},
            )
            count += cursor.rowcount
    return count


def _forget_in_places(erased: Erased) -> Mapping[str, int]:
    return {
        label_of(model): forget_in_rows(model, fields, erased) for model, fields in _places.items()
    }


def _forget_in_audit_log(erased: Erased) -> Mapping[str, int]:
    patterns, count = patterns_of(erased, texts_of(AuditEntry._meta.db_table, _AUDITED)), 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.forgets', 'audit', true)")
        for pattern in patterns:
            cursor.execute(_FORGET_IN_AUDIT_LOG, {"pattern": pattern, "erased": ERASED})
            count += cursor.rowcount
        cursor.execute("SELECT set_config('hub.forgets', '', true)")
    return {label_of(AuditEntry): count}


def _forget_in_history(erased: Erased) -> None:
    """Take what these contacts were called out of the admin's own history."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Contact),
        object_id__in=[str(contact_id) for contact_id in erased.contact_ids],
    )
    entries.update(object_repr=_ERASED_CONTACT)


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _escaped(name: str) -> str:
    """`name` as a regular expression that PostgreSQL reads."""
    return re.sub(r"([^\w\s@%])", r"\\\1", name)


def _column_of(model: type[Model], name: str) -> str:
    return str(getattr(model._meta.get_field(name), "column"))  # noqa: B009 -- of columns alone


def _type_of(model: type[Model], name: str) -> str:
    field = model._meta.get_field(name)
    if isinstance(field, JSONField):
        return "jsonb"
    return str(field.db_type(connection)) if isinstance(field, ArrayField) else "text"


def register() -> None:
    """Have erasures read the texts of the rooms below, and those that are registered."""
    forget_in(SavedView, "name", "query")
    forget_in(BulkAction, "query", "filters", "options", "says", "failures", "reason", "last_error")
    forget_in(Chore, "last_error")
    forget_in(ReaderState, "last_error")
    forget_in(LogEntry, "object_repr", "change_message")
    forget_texts(_forget_in_history)
    forget_texts(_forget_in_places)
    forget_texts(_forget_in_audit_log, last=True)
