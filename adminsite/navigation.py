"""The sidebar, and tabs and links above lists. Each app adds those that lead to its own pages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from adminsite.formatting import changelist_url
from adminsite.permissions import AnyUser, May


@dataclass(frozen=True)
class SidebarItem:
    """A link in the sidebar to the page `view`, for users who `may_see` it.

    `group` is the title above it. `urgent` says how much there waits for the user, if anything.
    """

    group: str
    position: int
    title: str
    icon: str
    view: str
    may_see: May
    urgent: Callable[[], int] | None = None


@dataclass(frozen=True)
class ListLink:
    """A link above a list, for users who `may_see` it.

    `url_of` makes its address from the request for the list, with its filters; "" is no link.
    Those `for_all_found` stand in one menu: what can be done with all rows that filters find. One
    that `needs_rows` is not there while the list shows none.
    """

    title: str
    icon: str
    may_see: May
    url_of: Callable[[HttpRequest], str]
    for_all_found: bool = False
    needs_rows: bool = False


_items: list[SidebarItem] = []
_links: dict[type[Model], list[ListLink]] = {}
_links_of_every_list: list[Callable[[type[Model]], ListLink | None]] = []
_tabs: dict[type[Model], Sequence[tuple[str, str]]] = {}


def register_item(item: SidebarItem) -> None:
    """Add a link to the sidebar."""
    _items.append(item)
    _items.sort(key=lambda one: one.position)


def register_tabs(model: type[Model], tabs: Sequence[tuple[str, str]]) -> None:
    """Add tabs above the list of `model`: titles, and the queries that they lead to."""
    _tabs[model] = tabs


def register_list_link(model: type[Model], link: ListLink) -> None:
    """Add a link above the list of `model`."""
    _links.setdefault(model, []).append(link)


def register_link_of_every_list(link_for: Callable[[type[Model]], ListLink | None]) -> None:
    """Add what `link_for` makes of a model above its list, if it makes something."""
    _links_of_every_list.append(link_for)


def build_list_links(request: HttpRequest, model: type[Model]) -> list[dict[str, Any]]:
    """The links above the list of `model` that this user may see."""
    of_every_list = (link_for(model) for link_for in _links_of_every_list)
    links = [
        {
            "title": one.title,
            "icon": one.icon,
            "url": one.url_of(request),
            "for_all_found": one.for_all_found,
            "needs_rows": one.needs_rows,
        }
        for one in (*_links.get(model, ()), *of_every_list)
        if one is not None and one.may_see(request.user)
    ]
    return [link for link in links if link["url"]]


def build_sidebar(request: HttpRequest, groups: Iterable[str]) -> list[dict]:
    """These groups in this order, then all others, with the links that this user may see."""
    titles = dict.fromkeys([*groups, *(item.group for item in _items)])
    shown = [item for item in _items if item.may_see(request.user)]
    return [
        {"title": title, "items": [_link(item) for item in shown if item.group == title]}
        for title in titles
    ]


def items_for(user: AnyUser) -> list[tuple[SidebarItem, str]]:
    """The links of the sidebar that this user may see, with their addresses."""
    return [(item, reverse(item.view)) for item in _items if item.may_see(user)]


def build_tabs() -> list[dict]:
    """All tabs, as Unfold takes them."""
    return [
        {
            "models": [model._meta.label_lower],
            "items": [
                {"title": title, "link": changelist_url(model, query)} for title, query in tabs
            ],
        }
        for model, tabs in _tabs.items()
    ]


def _link(item: SidebarItem) -> dict:
    link = {"title": item.title, "icon": item.icon, "link": reverse(item.view)}
    if item.urgent and (count := item.urgent()):
        link |= {"badge": str(count), "badge_variant": "warning"}
    return link
