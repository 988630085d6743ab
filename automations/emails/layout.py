"""What blocks look like: as MJML, which mrml makes HTML of, and as plain text.

Everything that users wrote stands aside as a fragment, and MJML has a mark in its place: so no text
of theirs is ever read as MJML.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from html import escape

import mrml

from automations.emails.blocks import PREFERENCES, UNSUBSCRIBE, WIDTH, Block
from automations.emails.cleaning import clean_html
from automations.emails.personalising import LINK_TAG, PICTURE_TAG, Text, read_liquid
from automations.emails.places import find_places


class Slot(Enum):
    """What each email has of its own, and no user writes."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    PIXEL = "pixel"


Part = str | Text | Slot

_MARK = re.compile(r"(hubfragment[0-9]+x)")
_OPTIONS = mrml.RenderOptions(disable_comments=True, fonts={})
_STYLE = """
a { color: #1d4ed8; }
h1, h2, h3, p, ul, ol { margin: 0 0 12px 0; }
h1 { font-size: 24px; line-height: 32px; }
h2 { font-size: 20px; line-height: 28px; }
h3 { font-size: 17px; line-height: 24px; }
@media (prefers-color-scheme: dark) {
  body, .hub-body { background-color: #111318 !important; }
  .hub-section, .hub-section > table { background-color: #1c1f26 !important; }
  .hub-text div { color: #e5e7eb !important; }
  .hub-text a { color: #93c5fd !important; }
  .hub-footer div { color: #9ca3af !important; }
}
"""
_HEAD = f"""
<mj-head>
  <mj-title>%(subject)s</mj-title>
  <mj-preview>%(preheader)s</mj-preview>
  <mj-raw>
    <meta name="color-scheme" content="light dark" />
    <meta name="supported-color-schemes" content="light dark" />
  </mj-raw>
  <mj-attributes>
    <mj-all font-family="Helvetica, Arial, sans-serif" />
    <mj-text font-size="16px" line-height="24px" color="#1f2937" padding="8px 24px" />
    <mj-button font-size="16px" background-color="#1d4ed8" color="#ffffff" border-radius="6px"
      inner-padding="12px 24px" padding="8px 24px" align="left" />
    <mj-image padding="8px 24px" />
    <mj-divider border-width="1px" border-color="#9ca3af" padding="16px 24px" />
    <mj-section background-color="#ffffff" padding="8px 0" css-class="hub-section" />
  </mj-attributes>
  <mj-style>{_STYLE}</mj-style>
</mj-head>
"""


class Layout:
    """An email as parts: what is the same for everybody, texts to fill, and slots.

    :ivar html: the parts of the HTML
    :ivar text: the parts of the plain text

    :param subscribed: whether it needs a consent, and so has links to take that back
    :raises CannotRender: if a text cannot be read, which saving would have found
    """

    def __init__(self, subject: str, preheader: str, blocks: Sequence[Block], *, subscribed: bool):
        self._fragments: list[Part] = []
        self._subscribed, self._has_heading = subscribed, False
        head = _HEAD % {
            "subject": self._add(_in_html(subject)),
            "preheader": self._add(_in_html(preheader)),
        }
        blocks = list(blocks)
        if subscribed and not any(block["type"] == "footer" for block in blocks):
            blocks.append({"type": "footer"})
        body = "".join(self._sections(blocks))
        body = f'<mj-body background-color="#f3f4f6" css-class="hub-body">{body}</mj-body>'
        document = f"<mjml>{head}{body}</mjml>"
        html = mrml.to_html(document, None, _OPTIONS).content
        html = html.replace("</body>", f"{self._add(Slot.PIXEL)}</body>")
        self.html = _joined(self._part(found) for found in _MARK.split(html))
        self.text = _joined(part for block in blocks for part in (*self._as_text(block), "\n\n"))

    def _add(self, fragment: Part) -> str:
        self._fragments.append(fragment)
        return f"hubfragment{len(self._fragments) - 1}x"

    def _part(self, found: str) -> Part:
        if not _MARK.fullmatch(found):
            return found
        return self._fragments[int(found.removeprefix("hubfragment").removesuffix("x"))]

    def _sections(self, blocks: Sequence[Block]) -> list[str]:
        found: list[str] = []
        open_column: list[str] = []
        for block in [*blocks, None]:
            if block is None or block["type"] == "columns":
                if open_column:
                    found.append(_section([open_column]))
                open_column = []
            if block is not None and block["type"] == "columns":
                columns = [[self._mjml(one) for one in column] for column in block["columns"]]
                found.append(_section(columns))
            elif block is not None:
                open_column.append(self._mjml(block))
        return found

    def _mjml(self, block: Block) -> str:
        return _MJML[block["type"]](self, block)

    def _heading(self, block: Block) -> str:
        name, self._has_heading = "h2" if self._has_heading else "h1", True
        text = self._add(_in_html(block["text"]))
        return f'<mj-text css-class="hub-text"><{name}>{text}</{name}></mj-text>'

    def _text(self, block: Block) -> str:
        html = self._add(clean_html(block["html"]).html)
        return f'<mj-text css-class="hub-text">{html}</mj-text>'

    def _button(self, block: Block) -> str:
        url = self._add(_url_in_html(block["url"], LINK_TAG))
        return f'<mj-button href="{url}">{self._add(_in_html(block["label"]))}</mj-button>'

    def _image(self, block: Block) -> str:
        url = self._add(_url_in_html(block["url"], PICTURE_TAG))
        alt = self._add(_in_html(block.get("alt", "")))
        width = f' width="{min(block["width"], WIDTH - 48)}px"' if "width" in block else ""
        return f'<mj-image src="{url}" alt="{alt}"{width} />'

    def _divider(self, block: Block) -> str:
        return "<mj-divider />"

    def _footer(self, block: Block) -> str:
        lines = [self._add(_in_html(block["text"]))] if "text" in block else []
        if self._subscribed:
            links = " &#183; ".join(
                f'<a href="{self._add(slot)}">{self._add(_in_html(label))}</a>'
                for slot, label in _own_links(block)
            )
            lines.append(links)
        if not lines:
            return ""
        inner = "".join(f"<p>{line}</p>" for line in lines)
        return (
            '<mj-text css-class="hub-text hub-footer" font-size="13px" line-height="20px" '
            f'color="#6b7280">{inner}</mj-text>'
        )

    def _as_text(self, block: Block) -> list[Part]:
        match block["type"]:
            case "text":
                return [clean_html(block["html"]).text]
            case "heading":
                return [_plain(block["text"])]
            case "button":
                return [_plain(block["label"]), ": ", _url(block["url"])]
            case "image":
                return ["[", _plain(block["alt"]), "]"] if "alt" in block else []
            case "columns":
                inner = [one for column in block["columns"] for one in column]
                return [part for one in inner for part in (*self._as_text(one), "\n\n")]
            case "footer":
                parts: list[Part] = [_plain(block["text"]), "\n"] if "text" in block else []
                for slot, label in _own_links(block) if self._subscribed else ():
                    parts += [_plain(label), ": ", slot, "\n"]
                return parts
        return ["---"]


_MJML: dict[str, Callable[[Layout, Block], str]] = {
    "heading": Layout._heading,
    "text": Layout._text,
    "button": Layout._button,
    "image": Layout._image,
    "divider": Layout._divider,
    "footer": Layout._footer,
}


def _own_links(block: Block) -> list[tuple[Slot, str]]:
    return [
        (Slot.UNSUBSCRIBE, block.get("unsubscribe", UNSUBSCRIBE)),
        (Slot.PREFERENCES, block.get("preferences", PREFERENCES)),
    ]


def _section(columns: list[list[str]]) -> str:
    inner = "".join(f"<mj-column>{''.join(column)}</mj-column>" for column in columns)
    return f"<mj-section>{inner}</mj-section>"


def _liquid(source: str, fixed: Callable[[str], str]) -> str:
    """A text as Liquid; `fixed` gives what becomes of the characters between places."""
    parts, at = [], 0
    for place in find_places(source):
        parts += [fixed(source[at : place.start]), place.liquid]
        at = place.end
    return "".join([*parts, fixed(source[at:])])


def _in_html(source: str) -> Text:
    return read_liquid(_liquid(source, lambda text: escape(text).replace("\n", "<br>")), "html")


def _url_in_html(source: str, tag: str) -> Text:
    liquid = _liquid(source.strip(), str)
    return read_liquid(f"{{% {tag} %}}{liquid}{{% end{tag} %}}", "html")


def _plain(source: str) -> Text:
    return read_liquid(_liquid(source, str), "none")


def _url(source: str) -> Text:
    return read_liquid(_liquid(source.strip(), str), "url")


def _joined(parts: object) -> tuple[Part, ...]:
    """The parts, with those together that are the same in every email."""
    found: list[Part] = []
    for part in parts:  # type: ignore[attr-defined]
        fixed = part.fixed if isinstance(part, Text) else part
        if not isinstance(fixed, str):
            found.append(part)
        elif found and isinstance(found[-1], str):
            found[-1] += fixed
        else:
            found.append(fixed)
    return tuple(found)
