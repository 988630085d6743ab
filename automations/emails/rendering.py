"""Emails from templates: compiled once, and filled for contact after contact."""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from html import escape as escape_html
from threading import Lock

from automations.emails.blocks import InvalidTemplate, read_blocks
from automations.emails.budget import Budget
from automations.emails.known import Filling
from automations.emails.layout import Layout, Part, Slot
from automations.emails.links import Links
from automations.emails.personalising import Text, read_text
from automations.emails.values import CannotRender, Missing, Values, fill
from automations.emails.values import event_names_in as event_names
from automations.models import Template

__all__ = ["CannotRender", "Missing", "Rendered", "compiled", "event_names_in", "fill", "render"]

_MOST_COMPILED = 200
_LONGEST_SUBJECT = 250
# What would end the line of a header, or nobody sees.
_NOT_IN_HEADERS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")


@dataclass(frozen=True)
class Rendered:
    """An email as one contact gets it."""

    subject: str
    preheader: str
    html: str
    text: str


class Compiled:
    """A template whose layout and texts were read.

    :raises CannotRender: if a text cannot be read
    """

    def __init__(self, template: Template):
        self._subject = read_text(template.subject, "none")
        self._preheader = read_text(template.preheader, "none")
        try:
            blocks = read_blocks(template.blocks)
        except InvalidTemplate as error:
            raise CannotRender(str(error)) from error
        self._layout = Layout(
            template.subject,
            template.preheader,
            blocks,
            subscribed=not template.is_transactional,
        )
        texts = [self._subject, self._preheader, *self._layout.html, *self._layout.text]
        read = [text for text in texts if isinstance(text, Text)]
        self.event_names = frozenset(name for text in read for name in text.events)
        self.consents = frozenset(name for text in read for name in text.consents)
        self.fields = frozenset(name for text in read for name in text.fields)

    def render(self, values: Values, links: Links) -> Rendered:
        """The email with these values.

        :raises Missing: if a value is not there, and has no default
        :raises CannotRender: if the template cannot be filled with them
        """
        budget, plain = Budget(), Filling(values, confirm=links.confirm)
        clicked = Filling(values, confirm=links.confirm, click=links.click)
        html = _joined(self._layout.html, clicked, links, budget, escape_html)
        budget.renew_length()
        text = _joined(self._layout.text, plain, links, budget, str)
        subject = _one_line(self._subject.fill(plain, budget))
        if not subject:
            raise CannotRender("The subject is empty.")
        preheader = _one_line(self._preheader.fill(plain, budget))
        return Rendered(subject, preheader, html, f"{text.strip()}\n")


def render(template: Template, values: Values, links: Links) -> Rendered:
    """The email of `template` for the contact with these values.

    :raises Missing: if a value is not there, and has no default
    :raises CannotRender: if the template cannot be filled with them
    """
    return compiled(template).render(values, links)


def event_names_in(given: Template | str) -> frozenset[str]:
    """The names of the events that a template, or a text, has places for.

    :raises CannotRender: if it cannot be read
    """
    return event_names(given) if isinstance(given, str) else compiled(given).event_names


_compiled: OrderedDict[tuple[object, object], Compiled] = OrderedDict()
_lock = Lock()


def compiled(template: Template) -> Compiled:
    """The template, read once as long as nobody changes it.

    :raises CannotRender: if a text cannot be read
    """
    key = (template.pk, template.changed_at)
    with _lock:
        found = _compiled.get(key)
    if found is None:
        found = Compiled(template)
        with _lock:
            _compiled[key] = found
            if len(_compiled) > _MOST_COMPILED:
                _compiled.popitem(last=False)
    return found


def _joined(
    parts: tuple[Part, ...],
    values: Filling,
    links: Links,
    budget: Budget,
    escape: Callable[[str], str],
) -> str:
    found = []
    for part in parts:
        if isinstance(part, Text):
            found.append(part.fill(values, budget))
            continue
        text = part if isinstance(part, str) else _slot(part, links, escape)
        budget.spend(text)
        found.append(text)
    return "".join(found)


def _slot(slot: Slot, links: Links, escape: Callable[[str], str]) -> str:
    if slot is Slot.PIXEL:
        if not links.pixel:
            return ""
        return f'<img src="{escape(links.pixel)}" width="1" height="1" alt="">'
    return escape(links.unsubscribe if slot is Slot.UNSUBSCRIBE else links.preferences)


def _one_line(text: str) -> str:
    line = _NOT_IN_HEADERS.sub(" ", text).strip()
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1]}…"
