"""The sections of a contact's page. Apps that know more about contacts add theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

from adminsite.permissions import May
from contacts.models import Contact


@dataclass(frozen=True)
class SectionContent:
    """What a section shows for one contact."""

    context: dict[str, object] = field(default_factory=dict)
    # Shown beside the title, such as “3” or “50+”.
    count: str = ""
    # Names and values for the head of the page.
    facts: Sequence[tuple[str, object]] = ()


@dataclass(frozen=True)
class ContactSection:
    """A tab of a contact's page, for users who `may_see` it.

    `build` reads, in a constant number of queries, what it shows.
    """

    slug: str
    title: str
    position: int
    may_see: May
    template: str
    build: Callable[[HttpRequest, Contact], SectionContent]


def count_text(number: int, *, is_cut: bool = False) -> str:
    """What stands beside the title of a section that shows so many rows, or has even more."""
    return f"{number}+" if is_cut else str(number or "")


_sections: list[ContactSection] = []


def register_section(section: ContactSection) -> None:
    """Add a tab to the page of every contact."""
    _sections.append(section)
    _sections.sort(key=lambda one: one.position)


def build_sections(request: HttpRequest, contact: Contact) -> list[dict[str, object]]:
    """The tabs of the page of `contact` that this user may see, in order, with what they show."""
    return [
        {"section": section, "content": section.build(request, contact)}
        for section in _sections
        if section.may_see(request.user)
    ]
