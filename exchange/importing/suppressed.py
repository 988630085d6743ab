"""Which rows of an import name somebody who was erased."""

from typing import Any

from contacts.erased import ErasedName
from contacts.erased_names import erased_email_condition, hash_params

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


def erased_condition(*, key: str, guid: str = "") -> tuple[str, dict[str, Any]] | None:
    """A condition, with its parameters, that is true for erased persons; None if there are none.

    :param key: SQL of the key of an email
    :param guid: SQL of the text of a GUID, or ""
    """
    if not ErasedName.objects.exists():
        return None
    sql, params = erased_email_condition(key)
    sql = f"({key} <> '' AND {sql})"
    if guid:
        sql = f"({sql} OR ({guid} <> '' AND {_IS_ERASED_GUID.format(guid=guid)}))"
    return sql, {**hash_params(), **params}
