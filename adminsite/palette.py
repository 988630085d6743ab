"""The search that Ctrl+K opens. Each app adds the kinds of things that it knows how to find."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst

from adminsite.formatting import change_url, changelist_url
from adminsite.navigation import items_for
from adminsite.permissions import May, may_use_the_admin
from adminsite.searching import has_words, simple

# How many of each kind are shown.
MOST_FOUND = 6

type Find = Callable[[HttpRequest, str], Sequence[Found]]


@dataclass(frozen=True)
class Found:
    """One thing that was found: its page, and a note that tells it from others of its name."""

    title: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Findable:
    """A kind of things that the search finds, for users who `may_see` them.

    `find` gets the request and what was typed, which is not empty; it reads the first MOST_FOUND,
    the best one first, in a constant number of queries. `more_url` leads to all of them.
    """

    title: str
    icon: str
    position: int
    may_see: May
    find: Find
    more_url: Callable[[str], str] | None = None


@dataclass(frozen=True)
class FoundKind:
    """What was found of one kind, and the address of all of it, if there may be more."""

    title: str
    icon: str
    rows: Sequence[Found]
    more_url: str


_kinds: list[Findable] = []


def register_findable(kind: Findable) -> None:
    """Let the search find things of this kind."""
    _kinds.append(kind)
    _kinds.sort(key=lambda one: one.position)


def find_everything(request: HttpRequest, term: str) -> list[FoundKind]:
    """What `term` finds of each kind that this user may see, without kinds of which it is none."""
    if not term:
        return []
    found = ((kind, kind.find(request, term)) for kind in _kinds if kind.may_see(request.user))
    return [
        FoundKind(kind.title, kind.icon, rows[:MOST_FOUND], _more_url(kind, rows, term))
        for kind, rows in found
        if rows
    ]


def rows_of(model: type[Model], *fields: str, note: str = "") -> Find:
    """What finds rows of a table that is small by words in these fields.

    The first field is their order, `note` another one that tells them apart.
    """

    def find(request: HttpRequest, term: str) -> Sequence[Found]:
        found = model._default_manager.filter(has_words(fields, term.split()))
        rows = found.order_by(fields[0], "pk")[:MOST_FOUND]
        return [
            Found(str(row), change_url(row), getattr(row, note) if note else "") for row in rows
        ]

    return find


def list_of(model: type[Model]) -> Callable[[str], str]:
    """What makes the address of the list of `model`, searched for what was typed."""
    return lambda term: changelist_url(model, urlencode({"q": term}))


def find_pages(request: HttpRequest, term: str) -> Sequence[Found]:
    """The pages of the sidebar, then lists that are not there, by their names."""
    words = simple(term).split()
    pages: dict[str, Found] = {}
    for page in _pages(request):
        pages.setdefault(page.url, page)
    found = [
        page
        for page in pages.values()
        if all(word in simple(f"{page.note} {page.title}") for word in words)
    ]
    # What is called so comes before what stands below a title of that name.
    return sorted(found, key=lambda one: not simple(one.title).startswith(words[0]))[:MOST_FOUND]


def _pages(request: HttpRequest) -> Iterator[Found]:
    for item, url in items_for(request.user):
        yield Found(item.title, url, item.group)
    for app in admin.site.get_app_list(request):
        for model in app["models"]:
            if model["admin_url"] and model["perms"].get("view"):
                yield Found(capfirst(model["name"]), model["admin_url"])


def _more_url(kind: Findable, rows: Sequence[Found], term: str) -> str:
    return kind.more_url(term) if kind.more_url and len(rows) >= MOST_FOUND else ""


register_findable(
    Findable(title="Pages", icon="menu", position=100, may_see=may_use_the_admin, find=find_pages)
)
