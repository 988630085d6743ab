"""Texts in which people are named although the rows are not theirs: queries, histories, errors.

A room registers them with `forget_in`. An erasure replaces the GUIDs, emails and full names of the
person there, whether they stand as they are or escaped as in an address.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import JSONField, Model

from adminsite.models import AuditEntry, SavedView
from contacts.erasures import Erased, forget_texts
from contacts.models import Contact
from contacts.records import label_of
from jobs.models import BulkAction, Chore
from readers.models import ReaderState

# What stands where a name was.
ERASED = "erased"
# What the admin's history calls contacts.
_ERASED_CONTACT = "Erased contact"
# With the words alone, ann@example.com would take mary-ann@example.com along.
_PATTERN = r"(?<![[:alnum:]_.+-])({})(?![[:alnum:]_-]|\.[[:alnum:]_])"
# An entry is never edited, so a new one takes its place, of the same time.
_FORGET_IN_AUDIT_LOG = """
WITH gone AS (
    DELETE FROM adminsite_auditentry
    WHERE concat_ws(' ', name, detail, before::text, after::text) ~* %(pattern)s
    RETURNING *
)
INSERT INTO adminsite_auditentry
SELECT (jsonb_populate_record(NULL::adminsite_auditentry, to_jsonb(gone) || jsonb_build_object(
    'name', regexp_replace(name, %(pattern)s, %(erased)s, 'gi'),
    'detail', regexp_replace(detail, %(pattern)s, %(erased)s, 'gi'),
    'before', regexp_replace(before::text, %(pattern)s, %(erased)s, 'gi')::jsonb,
    'after', regexp_replace(after::text, %(pattern)s, %(erased)s, 'gi')::jsonb
))).* FROM gone
"""

_places: dict[type[Model], tuple[str, ...]] = {}


def forget_in(model: type[Model], *fields: str) -> None:
    """Have these texts (JSON and arrays as well) of all rows of `model` forget erased people.

    All of its rows are read for it: it is for tables with few of them.
    """
    _places[model] = fields


def pattern_of(erased: Erased) -> str:
    """A regular expression of PostgreSQL, for any letter case, of what names the person."""
    names = {*erased.spellings, *erased.full_names}
    written = {way(name) for name in names for way in (str, _quoted, quote_plus)}
    return _PATTERN.format("|".join(_escaped(one) for one in sorted(written, key=len)[::-1]))


def replace_in(model: type[Model], fields: tuple[str, ...], pattern: str) -> int:
    """Put a word in the place of what `pattern` matches; return how many rows have changed."""
    columns = {_column_of(model, name): _type_of(model, name) for name in fields}
    table = connection.ops.quote_name(model._meta.db_table)
    setting = ", ".join(
        f"{column} = regexp_replace({column}::text, %(pattern)s, %(erased)s, 'gi')::{kind}"
        for column, kind in columns.items()
    )
    texts = ", ".join(f"{column}::text" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {setting} WHERE concat_ws(' ', {texts}) ~* %(pattern)s",  # noqa: S608
            {"pattern": pattern, "erased": ERASED},
        )
        return cursor.rowcount


def _forget_in_places(erased: Erased) -> Mapping[str, int]:
    pattern = pattern_of(erased)
    return {
        label_of(model): replace_in(model, fields, pattern) for model, fields in _places.items()
    }


def _forget_in_audit_log(erased: Erased) -> Mapping[str, int]:
    pattern = pattern_of(erased)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.forgets', 'audit', true)")
        cursor.execute(_FORGET_IN_AUDIT_LOG, {"pattern": pattern, "erased": ERASED})
        count = cursor.rowcount
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
