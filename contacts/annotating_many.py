"""Gives tags to very many contacts at once, as imports do, and takes them back.

Whom to give which tags is SQL; what `contacts/annotating.py` says of one tag holds here as well.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.annotations import ContactTag, Tag
from database.lookups import Among

# Of several spellings of one name, the first in the file is the tag's.
_MAKE = """
INSERT INTO contacts_tag (name, created_at, import_id)
SELECT DISTINCT ON (throughline_fold(name)) name, now(), %(import)s
FROM (SELECT name, min(place) AS place FROM ({given}) AS one GROUP BY name) AS given
WHERE NOT EXISTS (
    SELECT FROM contacts_tag AS known
    WHERE throughline_fold(known.name) = throughline_fold(given.name)
)
ORDER BY throughline_fold(name), place
ON CONFLICT DO NOTHING
"""
_TAG = """
INSERT INTO contacts_contacttag (contact_id, tag_id, at, by_id, import_id)
SELECT DISTINCT given.contact_id, tag.id, %(at)s::timestamptz, %(by)s::bigint, %(import)s::bigint
FROM ({given}) AS given
JOIN contacts_tag AS tag ON throughline_fold(tag.name) = throughline_fold(given.name)
WHERE NOT EXISTS (
    SELECT FROM contacts_contacttag AS known
    WHERE known.contact_id = given.contact_id AND known.tag_id = tag.id
)
ORDER BY 1, 2
"""


def make_tags(given: str, params: Mapping[str, Any], *, import_id: int) -> int:
    """Make tags of these names, of those that there are not yet; return how many were made.

    :param given: a query with the columns `name`, as `clean_tag_name` gives it, and `place`
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAKE.format(given=given), {**params, "import": import_id})
        return cursor.rowcount


def tag_many(
    given: str, params: Mapping[str, Any], *, import_id: int, at: datetime, by_id: int | None
) -> int:
    """Give tags to contacts, who are live and locked; return how many were given.

    A name that is no tag any more is left out: a user has deleted it meanwhile.

    :param given: a query with the columns `contact_id` and `name`
    """
    origin: dict[str, Any] = {"import": import_id, "at": at, "by": by_id}
    with connection.cursor() as cursor:
        cursor.execute(_TAG.format(given=given), {**params, **origin})
        return cursor.rowcount


def take_back_tags(ids: Collection[int]) -> int:
    """Delete these rows of tags of contacts, who are locked; return how many there were."""
    rows = ContactTag.objects.filter(Among("pk", ids))
    return rows._raw_delete(rows.db)


def forget_unused_tags(import_id: int) -> int:
    """Delete the tags that an import has made and no contact has; return how many they were."""
    unused = Tag.objects.filter(import_id=import_id, tagged=None)
    return unused.delete()[0]
