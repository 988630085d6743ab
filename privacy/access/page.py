"""The page for people in an access file: it stands alone, has no scripts, and can be printed.

It is written as pieces, since it may have very many rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from contacts.telling import Person
from privacy.access.rows import Column, Row, in_words, label_of

# So many rows of a table are on the page: browsers read it at once. The CSV has all.
MOST_ROWS = 2_000
FOOT = b"</main></body></html>\n"


@dataclass
class Section:
    """A table on the page: its name, what people read of it, and how many rows there are."""

    name: str
    title: str
    sentence: str
    origin: str
    rows: int = 0


def head(person: Person, at: datetime, sections: Sequence[Section]) -> bytes:
    """The beginning of the page: what it is, and its table of contents."""
    context = {
        "person": person,
        "at": in_words(at),
        "zone": timezone.get_current_timezone_name(),
        "sections": sections,
        "most": MOST_ROWS,
    }
    return render_to_string("privacy/access_page.html", context).encode()


def begin_section(section: Section) -> bytes:
    """The beginning of a table."""
    return _encoded(
        format_html(
            '<section id="{}"><h2>{}</h2><p>{}</p><p><em>{}.</em></p>\n',
            section.name,
            section.title,
            section.sentence,
            section.origin,
        )
    )


def end_section(section: Section) -> bytes:
    """The end of a table, which says how much of it is elsewhere."""
    said: SafeString = mark_safe("")
    if not section.rows:
        said = mark_safe("<p><em>We have nothing of this kind about you.</em></p>")
    elif section.rows > MOST_ROWS:
        said = format_html(
            "<p><em>These are {} of {}. All are in the file {}.csv.</em></p>",
            f"{MOST_ROWS:,}",
            f"{section.rows:,}",
            section.name,
        )
    return _encoded(format_html('{}<p><a href="#top">Back to the top</a></p></section>\n', said))


def row(columns: Sequence[Column], values: Row) -> bytes:
    """One row: names and values, without those that are empty."""
    pairs = [
        (column.title, _shown(in_words(column.words(values[column.name]))))
        for column in columns
        if column.says.on_page and values[column.name] not in (None, "", [], {})
    ]
    lines = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", pairs)
    return _encoded(format_html("<dl>{}</dl>\n", lines))


def readme(at: datetime, sections: Sequence[Section]) -> str:
    """What stands in a file for another service, for people who open it."""
    context = {"at": in_words(at), "sections": sections}
    return render_to_string("privacy/portability.txt", context)


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = ((label_of(name), _shown(one)) for name, one in value.items())
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", pairs))
    if isinstance(value, list):
        return format_html_join(", ", "{}", ((_shown(one),) for one in value))
    return "-" if value is None else value


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")
