"""Texts with places for what is known of a contact, in Liquid.

`%EVENT: name%` is another way to write `{{ event["name"] }}`. Texts get plain values and nothing
else, and a render ends within its time and its length, whatever a text asks for.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape as escape_html
from io import StringIO
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from liquid import Environment, RenderContext, Undefined
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.tags import assign_tag, capture_tag, case_tag, for_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError, LoopIterationLimitError
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.tag import Tag
from liquid.template import BoundTemplate
from liquid.token import TOKEN_TAG

from automations.emails.budget import Budget, Buffer
from automations.emails.errors import CannotRender, Missing, TooMuch
from automations.emails.filters import FILTERS
from automations.emails.known import Click, Filling
from automations.emails.nothing import Nothing
from automations.emails.places import find_places, line_of, with_places
from contacts.profile import FIELDS

Escape = Literal["none", "html", "url"]

# Blocks of Liquid whose content is one URL, of a link or of a picture; no user can write them.
LINK_TAG, PICTURE_TAG = "link", "picture"
_MOST_ITERATIONS = 10_000
_WEB = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_SCHEMES = re.compile(rf"{_WEB.pattern}|mailto:[^?]", re.IGNORECASE)
# What no URL has: characters that HTML would end it at, that nobody sees, and that turn it round.
_NOT_IN_URLS = re.compile(
    r"""[\x00-\x20\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"<>\\^`{|}]"""
)


class _Context(RenderContext):
    __slots__ = ("budget", "click", "escape")
    budget: Budget
    click: Click | None
    escape: Escape

    def get_buffer(self, buf: Any = None) -> StringIO:
        return Buffer(self.budget)


def _counted(node_class: type[Any]) -> type[Any]:
    """The same kind of nodes, which look at the clock."""

    class Counted(node_class):
        __slots__ = ()

        def render_to_output(self, context: _Context, buffer: StringIO) -> int:
            context.budget.node()
            return super().render_to_output(context, buffer)

    return Counted


class _LoopNode(for_tag.ForNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        context.budget.look()  # type: ignore[attr-defined]
        return super().render_to_output(context, buffer)


class _CaptureNode(capture_tag.CaptureNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        assert isinstance(context, _Context)
        context.budget.node()
        # What is captured is a value, and escaped where it is shown.
        around, context.escape = context.escape, "none"
        try:
            return super().render_to_output(context, buffer)
        finally:
            context.escape = around


class _OutputNode(output.OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        assert isinstance(context, _Context)
        context.budget.node()
        value = self.expression.evaluate(context)
        return buffer.write(_escaped(_shown(value), context.escape, is_first=not buffer.tell()))


def _shown(value: object) -> str:
    if type(value) is str:
        return value
    if isinstance(value, Nothing):
        raise Missing(value.reason)
    if isinstance(value, Undefined):
        raise Missing(f"There is no value “{value.name}”.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        return "".join(map(_shown, value))
    raise CannotRender("A place stands for more than one value.")


def _escaped(text: str, escape: Escape, *, is_first: bool) -> str:
    if escape == "html":
        return escape_html(text)
    if escape == "url":
        # What a URL begins with may be a whole URL; what comes later is a part of it.
        return text.strip() if is_first else quote(text, safe="")
    return text


class _LinkNode(Node):
    __slots__ = ("block", "is_clicked")

    def __init__(self, token: Any, block: Any, *, is_clicked: bool):
        super().__init__(token)
        self.block, self.blank, self.is_clicked = block, False, is_clicked

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        assert isinstance(context, _Context)
        inner, around = Buffer(context.budget), context.escape
        context.escape = "url"
        try:
            self.block.render(context, inner)
        finally:
            context.escape = around
        source = str(self.block)
        url = as_url(inner.getvalue(), source=source, picture=not self.is_clicked)
        is_page = self.is_clicked and url.lower().startswith("http")
        if context.click is not None and around == "html" and is_page:
            url = context.click(url)
        return buffer.write(escape_html(url) if around == "html" else url)

    def children(self, *args: Any, **options: Any) -> Iterator[Node]:
        yield self.block


class _LinkTag(Tag):
    name, end = LINK_TAG, f"end{LINK_TAG}"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return _LinkNode(token, block, is_clicked=self.name == LINK_TAG)


class _PictureTag(_LinkTag):
    name, end = PICTURE_TAG, f"end{PICTURE_TAG}"


class _Environment(Environment):
    loop_iteration_limit = _MOST_ITERATIONS

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            *(content.Literal, illegal.Illegal, for_tag.BreakTag, for_tag.ContinueTag),
            *(if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag, assign_tag.AssignTag),
            *(capture_tag.CaptureTag, for_tag.ForTag, output.Output, _LinkTag),
            _PictureTag,
        ):
            self.add_tag(tag)
        for made in self.tags.values():
            node_class = getattr(made, "node_class", None)
            if node_class is not None:
                made.node_class = _OURS.get(node_class) or _counted(node_class)  # type: ignore[attr-defined]
        self.filters.update(FILTERS)


_OURS: dict[type[Any], type[Any]] = {
    output.OutputNode: _OutputNode,
    capture_tag.CaptureNode: _CaptureNode,
    for_tag.ForNode: _LoopNode,
}
_ENVIRONMENT = _Environment()


class Text:
    """A text that was read once, and is filled for contact after contact.

    :ivar events: the names of the events that it has places for
    :ivar consents: the code names of the consents that it has links for, to confirm them
    :ivar fields: the fields of the contact that it cannot be filled without: those that it always
        shows, and as they are
    """

    def __init__(self, source: str, parsed: BoundTemplate, escape: Escape):
        names = _names_in(parsed, source)
        self._source, self._parsed, self._escape = source, parsed, escape
        self.events, self.consents = frozenset(names["event"]), frozenset(names["confirm"])
        self.fields = frozenset(_fields_shown(parsed.nodes))
        has_places = any(not isinstance(node, content.ContentNode) for node in parsed.nodes)
        # What has no places is always the same.
        self.fixed = None if has_places else source

    def fill(self, values: Filling, budget: Budget) -> str:
        """The text with these values.

        :raises Missing: if a value is not there, and has no default
        :raises CannotRender: if the text cannot be filled
        """
        if self.fixed is not None and self._escape != "url":
            budget.spend(self.fixed)
            return self.fixed
        context = _Context(self._parsed, globals=values.names)
        context.budget, context.escape, context.click = budget, self._escape, values.click
        buffer = Buffer(budget)
        try:
            for node in self._parsed.nodes:
                node.render(context, buffer)
        except (Missing, CannotRender):
            raise
        except LoopIterationLimitError as error:
            raise TooMuch(f"A loop has more than {_MOST_ITERATIONS:,} rounds.") from error
        except LiquidError as error:
            raise CannotRender(_said(error)) from error
        except Exception as error:
            # Any kind: the filters of a template raise whatever Python raises for a bad value, and
            # a bad template must hold back its own emails only.
            raise CannotRender(f"A place cannot be filled: {error}") from error
        found = buffer.getvalue()
        return as_url(found, source=self._source) if self._escape == "url" else found


def as_url(text: str, *, source: str, picture: bool = False) -> str:
    """`text` as a URL of an email.

    :param source: what the template has there, for the message: `text` may have personal data
    :param picture: whether it is loaded, and not followed
    :raises CannotRender: if it is none, or one that does something else than to lead somewhere
    """
    url = _NOT_IN_URLS.sub(lambda found: quote(found[0]), text.strip())
    if not (_WEB if picture else _SCHEMES).match(url):
        others = "" if picture else ", or mailto:"
        raise CannotRender(
            f"{_quoted(source)} is no address that an email can have: it has to begin with "
            f"https:// or http://{others}."
        )
    if _WEB.match(url) and not _has_plain_host(url):
        raise CannotRender(
            f"{_quoted(source)} is no address that an email can have: a domain has to follow "
            "https://, without a user or a password."
        )
    return url


def _has_plain_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _quoted(source: str) -> str:
    return f"“{source.strip()[:80]}”"


def check_url(source: str, *, picture: bool = False) -> None:
    """Refuse what can never be a URL, whatever its places stand for.

    :raises CannotRender: with what is wrong
    """
    read_text(source, "url")
    if not any(place.start == 0 for place in find_places(source)):
        as_url(with_places(source, lambda place: "x"), source=source, picture=picture)


@lru_cache(maxsize=1_000)
def read_text(source: str, escape: Escape) -> Text:
    """`source` with its places, for `fill`.

    :raises CannotRender: if it cannot be read, or asks for what there is not, and where
    """
    return read_liquid(with_places(source, lambda place: place.liquid), escape)


def read_liquid(source: str, escape: Escape) -> Text:
    """The same of a text whose places are Liquid already."""
    try:
        return Text(source, _ENVIRONMENT.from_string(source), escape)
    except LiquidError as error:
        raise CannotRender(_said(error)) from error


def _names_in(parsed: BoundTemplate, source: str) -> dict[str, set[str]]:
    """The names that a text asks for, by what they are names of.

    :raises CannotRender: if it asks for something that there is not
    """
    found: dict[str, set[str]] = {"contact": set(), "event": set(), "confirm": set()}
    analysis = parsed.analyze()
    for name, spans in analysis.filters.items():
        if name not in FILTERS:
            raise CannotRender(
                f"{line_of(source, spans[0].index)}There is no filter “{name}”. Filters: "
                f"{', '.join(FILTERS)}."
            )
    for variables in analysis.globals.values():
        for variable in variables:
            root, *rest = variable.segments
            is_known = root in found and len(rest) == 1 and isinstance(rest[0], str)
            if not is_known or (root == "contact" and rest[0] not in FIELDS):
                raise CannotRender(
                    f"{line_of(source, variable.span.index)}There is no value “{variable}”. "
                    f"Values: contact. with one of {', '.join(FIELDS)}; %EVENT: name%; and "
                    "confirm. with the code name of a consent."
                )
            found[str(root)].add(str(rest[0]))
    return found


def _fields_shown(nodes: Iterable[Any]) -> Iterator[str]:
    """The fields of the contact in places without a filter, and outside of every condition."""
    for node in nodes:
        if isinstance(node, _LinkNode):
            yield from _fields_shown(node.block.nodes)
        elif isinstance(node, _OutputNode) and isinstance(node.expression, FilteredExpression):
            shown = node.expression.left
            if isinstance(shown, Path) and not node.expression.filters:
                root, *rest = shown.path
                if root == "contact":
                    yield from map(str, rest)


def _said(error: LiquidError) -> str:
    """What is wrong with a text, as a sentence with its line."""
    said = str(error.message or "cannot be read")
    token = error.token
    where = line_of(token.source, max(token.start_index, 0)) if token else ""
    return f"{where}{said[:1].upper()}{said[1:].rstrip('.')}."
