"""Keeps what other systems know very many contacts by, at once, as imports do."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.models import ContactIdentifier
from database.lookups import Among

# In one order everywhere, so that two callers cannot wait for each other.
_KEEP = """
INSERT INTO contacts_contactidentifier (contact_id, site_id, kind, value, created_at, import_id)
SELECT DISTINCT ON (value) contact_id, %(site)s, %(kind)s, value, %(at)s::timestamptz,
    %(import)s::bigint
FROM ({given}) AS given ORDER BY value, place
ON CONFLICT (site_id, kind, value) DO NOTHING
"""


def keep_many(
    given: str,
    params: Mapping[str, Any],
    *,
    site_id: str,
    kind: str,
    import_id: int,
    at: datetime,
) -> int:
    """Keep identifiers for contacts, who are live and locked; return how many were new.

    One that another contact has stays with that contact, and of two that are to have the same one,
    the first gets it. The caller leaves out what is junk, and what erased persons had.

    :param given: a query with the columns `contact_id`, `value` and `place`
    """
    origin: dict[str, Any] = {"site": site_id, "kind": kind, "import": import_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_KEEP.format(given=given), {**params, **origin})
        return cursor.rowcount


def take_back_identifiers(ids: Collection[int]) -> int:
    """Delete these identifiers of contacts, who are locked; return how many there were."""
    rows = ContactIdentifier.objects.filter(Among("pk", ids))
    return rows._raw_delete(rows.db)
