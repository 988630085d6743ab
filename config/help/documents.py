"""Documents in Markdown, as HTML for the pages of the admin."""

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

DOCS = Path(settings.BASE_DIR) / "docs"
# What documents show and offer besides other documents.
_FILES = (".png", ".yaml", ".html")
_DEEPEST_HEADING = 3

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_markdown.use(anchors_plugin, max_level=_DEEPEST_HEADING)


@dataclass(frozen=True)
class Heading:
    """A heading of the second level, which the list of contents leads to."""

    anchor: str
    text: str


@dataclass(frozen=True)
class Document:
    """A document: its title, the headings of its second level, and its HTML without the title."""

    title: str
    headings: Sequence[Heading]
    html: str


@cache
def paths() -> frozenset[str]:
    """All documents and their files, as paths below `docs/`, such as `decisions/0001-….md`."""
    return frozenset(
        file.relative_to(DOCS).as_posix()
        for file in DOCS.rglob("*")
        if file.suffix in (".md", *_FILES)
    )


def title_of(path: str) -> str:
    """The title of a document."""
    with (DOCS / path).open(encoding="utf-8") as file:
        return file.readline().removeprefix("# ").strip()


def read(path: str, url_of: Callable[[str], str]) -> Document:
    """The document at one of the `paths()`.

    :param url_of: the address of a path, for links within documents
    """
    tokens = _markdown.parse((DOCS / path).read_text(encoding="utf-8"))
    headings = []
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open" and heading.tag == "h2":
            headings.append(Heading(str(heading.attrs["id"]), _text_of(inline)))
    for token in tokens:
        for child in token.children or ():
            _lead_on(child, path, url_of)
        if token.type == "table_open":
            token.attrSet("class", "tl-table")
    title, rest = _text_of(tokens[1]), _without_contents(tokens[3:])
    return Document(title, headings, _markdown.renderer.render(rest, _markdown.options, {}))


def _text_of(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _without_contents(tokens: list[Token]) -> list[Token]:
    """Without a list of links to headings before the first of them: the page has its own."""
    first = next((at for at, one in enumerate(tokens) if one.type == "heading_open"), 0)
    opens = [at for at in range(first) if tokens[at].type == "bullet_list_open"]
    closes = [at for at in range(first) if tokens[at].type == "bullet_list_close"]
    if not opens or "(#" not in "".join(one.content for one in tokens[opens[0] : closes[-1]]):
        return tokens
    return tokens[: opens[0]] + tokens[closes[-1] + 1 :]


def _lead_on(token: Token, path: str, url_of: Callable[[str], str]) -> None:
    """Have a link or a picture lead to where the hub serves it."""
    name = {"link_open": "href", "image": "src"}.get(token.type)
    if name is None:
        return
    address = str(token.attrs[name])
    if re.match(r"https?:", address):
        token.attrSet("rel", "noreferrer")
        return
    parts = urlsplit(address)
    if not parts.path:
        return
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), parts.path))
    if target in paths():
        token.attrSet(name, url_of(target) + (f"#{parts.fragment}" if parts.fragment else ""))
    else:  # of the repository alone
        del token.attrs[name]
