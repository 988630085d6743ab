"""HTML that users wrote for emails: cleaned, with its places as Liquid, and as plain text."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape, unescape
from html.parser import HTMLParser
from itertools import count

import nh3

from automations.emails.personalising import LINK_TAG, check_url, read_liquid
from automations.emails.places import Place, find_places, with_places

_TAGS = {"a", "b", "blockquote", "br", "em", "h2", "h3", "hr", "i", "li", "ol", "p", "s", "small"}
_TAGS |= {"span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
# Stands for a place while the HTML is cleaned.
_MARK = re.compile(r"hubplace([0-9]+)x")
_LINK = re.compile(r'href="([^"]*)"')
_QUOTED = re.compile(r'="[^"]*"')
_BREAKS = {"p": 2, "blockquote": 2, "ul": 2, "ol": 2, "table": 2, "h2": 2, "h3": 2, "tr": 1}


class CleanHtml:
    """HTML without anything that could run or load.

    :ivar source: the HTML as a template keeps it: reading it again comes to the same
    :ivar html: the HTML, for filling
    :ivar text: the same as plain text, for filling; links are written out

    :param marked: the HTML with a mark for each of the places
    :param written: the places as users have written them
    :raises CannotRender: if a place cannot be read, or a link leads nowhere
    """

    def __init__(self, marked: str, places: Sequence[Place], written: Sequence[str]):
        self._places, self._written = places, written
        for url in _LINK.findall(marked):
            check_url(_MARK.sub(lambda found: written[int(found[1])], unescape(url)))
        in_quotes = _QUOTED.sub(lambda found: self._as_written(found[0], quote=True), _safe(marked))
        self.source = self._as_written(in_quotes, quote=False)
        linked = _LINK.sub(lambda found: f'href="{self._link(unescape(found[1]))}"', _safe(marked))
        self.html = read_liquid(self._filled(linked), "html")
        self.text = read_liquid(self._plain(marked), "none")

    def _as_written(self, marked: str, *, quote: bool) -> str:
        return _MARK.sub(lambda found: escape(self._written[int(found[1])], quote=quote), marked)

    def _filled(self, marked: str) -> str:
        return _MARK.sub(lambda found: self._places[int(found[1])].liquid, marked)

    def _link(self, marked: str) -> str:
        return f"{{% {LINK_TAG} %}}{self._filled(marked)}{{% end{LINK_TAG} %}}"

    def _plain(self, marked: str) -> str:
        reader = _PlainText()
        reader.feed(marked)
        reader.close()
        parts = re.split(r"(\x00.*?\x01)", reader.found())
        return "".join(
            self._link(part[1:-1]) if part.startswith("\0") else self._filled(_literal(part))
            for part in parts
        )


@lru_cache(maxsize=500)
def clean_html(html: str) -> CleanHtml:
    """`html` as an email may have it; what else it has is left out.

    :raises CannotRender: if a place in it cannot be read, or a link leads nowhere
    """
    html = _MARK.sub("", html).replace("\0", "").replace("\1", "")
    places = find_places(html, in_html=True)
    numbers = count()
    cleaned = nh3.clean(
        with_places(html, lambda place: f"hubplace{next(numbers)}x", in_html=True),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "td": {"colspan"}, "th": {"colspan"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    return CleanHtml(cleaned, places, [unescape(html[one.start : one.end]) for one in places])


def _safe(html: str) -> str:
    """Braces that HTML wrote in another way are no places."""
    return html.replace("{{", "{&#123;").replace("{%", "&#123;%")


def _literal(text: str) -> str:
    """Text that Liquid takes for text, whatever braces it has."""
    return text.replace("{", '{{ "{" }}') if "{{" in text or "{%" in text else text


class _PlainText(HTMLParser):
    """Gathers the text of HTML; the address of a link stands between two control characters."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._link: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._parts.append("\n")
        elif tag == "hr":
            self._parts.append("\n\n---\n\n")
        elif tag == "li":
            self._parts.append("\n- ")
        elif tag in ("td", "th"):
            self._parts.append(" ")
        elif tag == "a":
            self._link = (dict(attrs).get("href") or "", len(self._parts))
        else:
            self._parts.append("\n" * _BREAKS.get(tag, 0))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            (url, start), self._link = self._link, None
            label = "".join(self._parts[start:]).strip()
            name = "" if label in ("", url) else f"{label}: "
            if url:
                self._parts[start:] = [f"{name}\0{url}\1"]
        else:
            self._parts.append("\n" * _BREAKS.get(tag, 0))

    def handle_data(self, data: str) -> None:
        self._parts.append(re.sub(r"[ \t\r\n]+", " ", data))

    def found(self) -> str:
        text = re.sub(r" *\n *", "\n", "".join(self._parts))
        return re.sub(r"\n{3,}", "\n\n", text).strip()
