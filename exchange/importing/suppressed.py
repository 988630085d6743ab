"""Which rows of an import name somebody who was erased, and how it suppresses addresses."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from contacts.erased import ErasedName
from contacts.erased_names import ensure_key, erased_email_condition, hash_params
from contacts.models import ContactIdentifier
from exchange.importing.errors import CannotRead

_NONE: Mapping[str, tuple[str, str]] = {}
# As `contacts.erased_names` hashes the GUIDs of people who were erased.
_IS_ERASED_GUID = """
EXISTS (
    SELECT FROM contacts_erasedname WHERE kind = 'guid' AND digest = sha256(
        %(erasure_outer)s::bytea || sha256(
            %(erasure_inner)s::bytea || convert_to('guid' || chr(10) || {guid}, 'UTF8')
        )
    )
)
"""


# The same of what another system knew them by.
_IS_ERASED_IDENTIFIER = """
EXISTS (
    SELECT FROM contacts_erasedname WHERE kind = 'identifier' AND digest = sha256(
        %(erasure_outer)s::bytea || sha256(
            %(erasure_inner)s::bytea || convert_to(
                'identifier' || chr(10) || %({name}_site)s::text || chr(10)
                || %({name}_kind)s::text || chr(10) || {value}, 'UTF8'
            )
        )
    )
)
"""
# Between several of one contact stands a sign that none of them has.
_IS_ERASED_USER = f"""
({{column}} <> '' AND EXISTS (
    SELECT FROM unnest(string_to_array({{column}}, E'\\x1f')) AS given (value)
    WHERE {_IS_ERASED_IDENTIFIER.format(name="{name}", value="given.value")}
))
"""


def erased_condition(
    *, key: str, guid: str = "", of: str = "", identifiers: Mapping[str, tuple[str, str]] = _NONE
) -> tuple[str, dict[str, Any]] | None:
    """A condition, with its parameters, that is true for erased persons; None if there are none.

    :param key: SQL of the key of an email
    :param guid: SQL of the text of a GUID, or ""
    :param of: the table that has the columns of `identifiers`, of each the site and the kind
    :raises CannotRead: if they cannot be recognised, because the hub has another key by now
    """
    if not ErasedName.objects.exists():
        return None
    try:
        ensure_key()
    except ImproperlyConfigured as error:
        raise CannotRead(str(error)) from None
    sql, params = erased_email_condition(key)
    sql = f"({key} <> '' AND {sql})"
    if guid:
        sql = f"({sql} OR ({guid} <> '' AND {_IS_ERASED_GUID.format(guid=guid)}))"
    for name, (_, kind) in identifiers.items():
        # Somebody else may use the browser of an erased person now.
        if kind != ContactIdentifier.Kind.ANONYMOUS_ID:
            sql = f"({sql} OR {_IS_ERASED_USER.format(name=name, column=f'{of}.{name}')})"
    return sql, {**hash_params(), **params}


def erased_identifier(name: str, value: str) -> str:
    """A condition that is true for identifiers of erased persons; "" if nobody was erased.

    Its parameters are those of the identifiers of a check, and `hash_params`.

    :param name: the column of the identifiers
    :param value: SQL of the text of one
    """
    if not ErasedName.objects.exists():
        return ""
    return _IS_ERASED_IDENTIFIER.format(name=name, value=value)


def suppressed_by(import_id: int) -> str:
    """What the addresses that an import suppresses say of it, by which the undo finds them."""
    return f"Import {import_id}"
