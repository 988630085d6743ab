"""Tags in cells, and what becomes of them: as other systems write them, and set-wise in SQL.

Between its check and its end, an import keeps the tags of a row as one text, with a sign between
them that no name of a tag can have.
"""

import csv
import re
from collections.abc import Iterable
from typing import Any

from django.db import connection

from contacts.annotating import clean_tag_name
from database.letter_case import fold

SEPARATORS = (",", ";", "|")
# What joins several values of one contact, in the tables of a check.
JOINT = "\x1f"
MOST_OF_A_CELL = 200
# A column of something else, such as of remarks, would make a tag of each.
MOST_NEW = 1_000
_TOLD = 50
_QUOTED = re.compile(r'"[^"]*"')
_EACH = "unnest(string_to_array({text}, E'\\x1f'))"
_LACKS = f"""
FROM {_EACH.format(text="line.tags")} AS given (name)
LEFT JOIN contacts_tag AS tag ON throughline_fold(tag.name) = throughline_fold(given.name)
WHERE tag.id IS NULL OR contact.id IS NULL OR NOT EXISTS (
    SELECT FROM contacts_contacttag AS known
    WHERE known.contact_id = contact.id AND known.tag_id = tag.id
)
"""
# Whether the `contact` of a `line` of the plan lacks one of its tags, and which it lacks.
LACKS = f"(line.tags <> '' AND EXISTS (SELECT {_LACKS}))"
LACKING = f"CASE WHEN line.tags <> '' THEN (SELECT string_agg(given.name, ', ') {_LACKS}) END"
_OF_PLAN = f"""
SELECT name, count(*) AS contacts FROM {{plan}} AS line, {_EACH.format(text="line.tags")} AS name
WHERE line.tags <> '' GROUP BY name
"""  # noqa: S608 -- of names of our own, as all statements here
_TELL = f"""
SELECT (array_agg(COALESCE(tag.name, given.name) ORDER BY given.contacts DESC, given.name))[1],
    sum(given.contacts)::bigint, tag.id IS NULL AS is_new,
    count(*) FILTER (WHERE tag.id IS NULL) OVER () AS new, count(*) OVER () AS every
FROM ({_OF_PLAN}) AS given
LEFT JOIN contacts_tag AS tag ON throughline_fold(tag.name) = throughline_fold(given.name)
GROUP BY throughline_fold(given.name), tag.id
ORDER BY is_new DESC, 2 DESC, 1
LIMIT %s
"""  # noqa: S608
# For `make_tags`, and for `tag_many` of a part of the plan.
NAMES = f"""
SELECT name, line.row AS place FROM {{plan}} AS line, {_EACH.format(text="line.tags")} AS name
WHERE line.tags <> '' AND line.outcome <> 'erased'
"""  # noqa: S608
GIVEN = f"""
SELECT line.contact_id, name FROM {{{{plan}}}} AS line, {_EACH.format(text="line.tags")} AS name
WHERE line.tags <> '' AND line.outcome <> 'erased' AND line.contact_id IS NOT NULL AND {{part}}
"""  # noqa: S608


class TooManyTags(ValueError):
    """A cell, or a file, has more tags than an import takes; the message says so, for a user."""


def split(text: str, separator: str = "") -> list[str]:
    """The names of the tags in a cell, each once in whatever letter case.

    A name in quotation marks may have the separator in it, as Mailchimp and the hub's own files
    write it. Without a `separator`, it is a semicolon or bar if there is one, else a comma.

    :raises CannotAnnotate: if no tag can be called so
    :raises TooManyTags: if they are too many
    """
    found: dict[str, str] = {}
    for name in names_in(text, separator):
        cleaned = clean_tag_name(name)
        found.setdefault(fold(cleaned), cleaned)
    if len(found) > MOST_OF_A_CELL:
        raise TooManyTags(f"A row has {MOST_OF_A_CELL} tags at most.")
    return list(found.values())


def names_in(text: str, separator: str = "") -> list[str]:
    """The names in a cell, as `split` finds them, without empty ones."""
    separator = separator or separator_in([text])
    if separator not in text and '"' not in text:
        return [text.strip()] if text.strip() else []
    line = " ".join(text.splitlines())
    (names,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
    return [name.strip() for name in names if name.strip()]


def quoted(name: str) -> str:
    """The name of a tag as it stands among others, so that `split` finds it again."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"' if any(sign in name for sign in (*SEPARATORS, '"')) else name


def separator_in(texts: Iterable[str]) -> str:
    """What stands between two tags in these cells."""
    bare = " ".join(_QUOTED.sub("", text) for text in texts)
    return next((sign for sign in (";", "|") if sign in bare), ",")


def told_of(plan: str) -> dict[str, Any]:
    """The tags in a plan: how many are `new` and `known`, and the most frequent of each.

    The latter as `names`: the name, how many contacts of the file have it, whether it is new; the
    new ones first.

    :raises TooManyTags: if an import would make too many
    """
    with connection.cursor() as cursor:
        cursor.execute(_TELL.format(plan=plan), [_TOLD])
        rows = cursor.fetchall()
    if not rows:
        return {}
    *_, new, every = rows[0]
    if new > MOST_NEW:
        examples = ", ".join(f"“{name[:30]}”" for name, *_ in rows[:3])
        raise TooManyTags(
            f"The file would make {new:,} new tags, such as {examples}, and an import makes "
            f"at most {MOST_NEW:,}. Is that the column with the tags, and its separator right?"
        )
    return {
        "new": new,
        "known": every - new,
        "names": [[name, count, is_new] for name, count, is_new, *_ in rows],
    }
