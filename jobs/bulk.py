"""Bulk actions: something is done to all rows that the filters of a list find.

A room registers what can be done to rows of its models, with `register_bulk_action`. A user who
asks for it makes a `BulkAction`, which a worker carries out in portions, in the order of the ids of
rows: so each row comes once, and another worker goes on where one died.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from adminsite.navigation import ListLink, register_list_link
from adminsite.permissions import AnyUser, May
from adminsite.words import narrowing


@dataclass(frozen=True)
class Outcome:
    """What became of a portion: how many rows were changed, and why others could not be.

    :ivar failures: a sentence by the id of the row, without personal data; a row that needed no
        change is no failure
    """

    changed: int
    failures: Mapping[int, str] = field(default_factory=dict)


class CannotGoOn(Exception):
    """A bulk action ends here; the message says why, for the user who asked for it."""


@dataclass(frozen=True, kw_only=True)
class BulkKind:
    """Something that can be done to many rows of a model at once, by users who `may`.

    `do` gets the ids of a portion of rows, the options, and who asked for it. It runs in the
    transaction that notes how far the action is, so it is done once. A row may be gone by then.
    It raises `CannotGoOn` if nothing more can be done, such as for a group that was deleted.

    :ivar name: what it is called in addresses and rows, unique among those of the model
    :ivar title: what users choose it by, such as “Add to a group”
    :ivar changed: what a row is that it has changed, such as “added”
    :ivar form: asks for the options, if there are any; it gets the user as `user`
    :ivar options: what is kept of the form's cleaned data, as JSON
    :ivar says: the action with its options, in words, such as “Add to “Newsletter””
    """

    name: str
    title: str
    icon: str
    may: May
    do: Callable[[Collection[int], Mapping[str, Any], User], Outcome]
    changed: str = "changed"
    form: type[forms.Form] | None = None
    options: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    says: Callable[[Mapping[str, Any]], str] | None = None

    def sentence(self, options: Mapping[str, Any]) -> str:
        """What is done, in words."""
        return self.says(options) if self.says else self.title


_kinds: dict[type[Model], dict[str, BulkKind]] = {}


def register_bulk_action(model: type[Model], kind: BulkKind) -> None:
    """Offer this above the filtered list of `model`, for all rows that were found."""
    _kinds.setdefault(model, {})[kind.name] = kind
    link = ListLink(kind.title, kind.icon, kind.may, _form_for(model, kind), for_all_found=True)
    register_list_link(model, link)


def kind_named(model: type[Model], name: str) -> BulkKind | None:
    """What was registered for `model` under this name."""
    return _kinds.get(model, {}).get(name)


def kinds_denied(model: type[Model], user: AnyUser) -> list[str]:
    """The names of what this user may not do to all rows of the list of `model`."""
    return [kind.name for kind in _kinds.get(model, {}).values() if not kind.may(user)]


def may_ask_for_any(user: AnyUser) -> bool:
    """Whether there is anything that this user may do to all rows of a list."""
    return any(kind.may(user) for kinds in _kinds.values() for kind in kinds.values())


def lists_with_kinds() -> list[type[Model]]:
    """The models for whose lists something was registered."""
    return list(_kinds)


def _form_for(model: type[Model], kind: BulkKind) -> Callable[[HttpRequest], str]:
    def url_of(request: HttpRequest) -> str:
        """The form that asks for the action; none while the list is not filtered."""
        url = reverse("admin:jobs_bulkaction_start", args=[model._meta.label_lower, kind.name])
        return f"{url}?{query}" if (query := narrowing(request.GET)) else ""

    return url_of
