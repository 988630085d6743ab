"""The blocks of an email as data: read from JSON or YAML, checked, and in their normal form."""

from collections.abc import Callable
from typing import Any

from automations.emails.cleaning import clean_html
from automations.emails.errors import CannotRender
from automations.emails.personalising import check_url, read_text
from groups.conditions.members import Members
from groups.trees import InvalidRule

MOST_BLOCKS = 100
LONGEST_TEXT, LONGEST_LINE = 20_000, 2_000
_TOO_MANY = f"An email has at most {MOST_BLOCKS} blocks."
# An email is at most 100 kB long; to read so much more would keep the reader waiting.
_LONGEST_TOGETHER = 300_000
WIDTH = 600
UNSUBSCRIBE, PREFERENCES = "Unsubscribe", "Your preferences"

Block = dict[str, Any]


class InvalidTemplate(ValueError):
    """A block that cannot be; `path` says where, such as `blocks[1].html`."""

    def __init__(self, path: str, detail: str):
        super().__init__(f"{path}: {detail}" if path else detail)
        self.path, self.detail = path, detail


def read_blocks(given: object) -> list[Block]:
    """The blocks that JSON or YAML has, checked and in their normal form; HTML is cleaned.

    :raises InvalidTemplate: with the place of the first mistake
    """
    if len(repr(given)) > _LONGEST_TOGETHER:
        raise InvalidTemplate("blocks", "All texts together are longer than an email may be.")
    try:
        blocks = _read_list(given, "blocks", within=False)
    except InvalidRule as error:
        raise InvalidTemplate(error.path, error.detail) from error
    if sum(1 + sum(map(len, block.get("columns", []))) for block in blocks) > MOST_BLOCKS:
        raise InvalidTemplate("blocks", _TOO_MANY)
    return blocks


def _read_list(given: object, path: str, *, within: bool) -> list[Block]:
    if not isinstance(given, list | tuple):
        raise InvalidRule(path, "Must be a list of blocks.")
    if len(given) > MOST_BLOCKS:
        raise InvalidRule(path, _TOO_MANY)
    return [_read(one, f"{path}[{number}]", within) for number, one in enumerate(given)]


def _read(given: object, path: str, within: bool) -> Block:
    members = Members(given, path, what="a block")
    types = [name for name in _READERS if not within or name not in ("columns", "footer")]
    type = members.choice("type", types)
    members.what = f"a block of type {type}"
    block = {"type": type, **_READERS[type](members)}
    members.done()
    return block


def _line(members: Members, name: str) -> str:
    """A text with places, without HTML."""
    text = members.text(name, most=LONGEST_LINE)
    _check(members, name, lambda: read_text(text, "none"))
    return text


def _url(members: Members, *, picture: bool = False) -> str:
    text = members.text("url", most=LONGEST_LINE).strip()
    _check(members, "url", lambda: check_url(text, picture=picture))
    return text


def _check(members: Members, name: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except CannotRender as error:
        raise InvalidRule(members.path_of(name), error.reason) from error


def _heading(members: Members) -> Block:
    return {"text": _line(members, "text")}


def _text(members: Members) -> Block:
    html = members.text("html", most=LONGEST_TEXT)
    cleaned = _check(members, "html", lambda: clean_html(html))
    if not cleaned.source.strip():
        raise InvalidRule(members.path_of("html"), "Nothing is left of it once it is cleaned.")
    return {"html": cleaned.source}


def _button(members: Members) -> Block:
    return {"label": _line(members, "label"), "url": _url(members)}


def _image(members: Members) -> Block:
    read: Block = {"url": _url(members, picture=True)}
    if members.has("alt") and members.required("alt") != "":
        read["alt"] = _line(members, "alt")
    if members.has("width"):
        read["width"] = members.whole("width", 1, WIDTH)
    return read


def _columns(members: Members) -> Block:
    columns = members.list_of("columns")
    if len(columns) not in (2, 3):
        raise InvalidRule(members.path_of("columns"), "There are two or three columns.")
    path = members.path_of("columns")
    return {
        "columns": [
            _read_list(column, f"{path}[{number}]", within=True)
            for number, column in enumerate(columns)
        ]
    }


def _divider(members: Members) -> Block:
    return {}


def _footer(members: Members) -> Block:
    read: Block = {}
    standards = {"text": "", "unsubscribe": UNSUBSCRIBE, "preferences": PREFERENCES}
    for name, standard in standards.items():
        if members.has(name) and members.required(name) not in ("", standard):
            read[name] = _line(members, name)
    return read


_READERS: dict[str, Callable[[Members], Block]] = {
    "heading": _heading,
    "text": _text,
    "button": _button,
    "image": _image,
    "columns": _columns,
    "divider": _divider,
    "footer": _footer,
}
BLOCK_TYPES = tuple(_READERS)
