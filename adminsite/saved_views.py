"""Saved views: tabs above a list, and the page on which users rename, share and delete theirs."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Model, Q
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from adminsite.formatting import changelist_url
from adminsite.listed import NotListed, rows_listed
from adminsite.models import LONGEST_QUERY, SavedView
from adminsite.words import as_kept

# More would be no tabs any more.
_MOST_SHOWN = 50
_BESIDE_FILTERS = frozenset({"o", "q"})
_TAKEN = "You have a view of this list with this name: choose another."


@dataclass(frozen=True)
class Tab:
    """A saved view above a list."""

    view: SavedView
    url: str
    is_open: bool
    is_own: bool


class NameForm(forms.ModelForm):
    """The name of a view, and whether others see it."""

    class Meta:
        model = SavedView
        fields = ("name", "shared")

    def clean_name(self) -> str:
        """The name on one line."""
        return " ".join(self.cleaned_data["name"].split())


def tabs_of(changelist: Any, request: HttpRequest) -> list[Tab]:
    """The views of a list that this user may open, their own first; one query.

    One with a filter that the user may not use is left out.
    """
    user, now = request.user, as_kept(request.GET)
    allowed = _BESIDE_FILTERS.union(
        *(spec.expected_parameters() for spec in changelist.filter_specs)
    )
    rows = _seen_by(user, changelist.model).order_by(Lower("name"), "pk")[:_MOST_SHOWN]
    shown = [view for view in rows if QueryDict(view.query).keys() <= allowed]
    return [
        Tab(
            view=view,
            url=changelist_url(changelist.model, view.query),
            is_open=view.query == now,
            is_own=view.owner_id == user.pk,
        )
        for view in sorted(shown, key=lambda one: one.owner_id != user.pk)
    ]


class Pages:
    """The pages of a list's saved views, for users who may see the list."""

    def __init__(self, model_admin: Any) -> None:
        self._admin = model_admin
        self._model: type[Model] = model_admin.model
        self._prefix = f"{self._model._meta.app_label}_{self._model._meta.model_name}_views"

    def urls(self) -> list[URLPattern]:
        """Their addresses, below that of the list."""

        def url(route: str, view: Any, name: str = "") -> URLPattern:
            return path(route, self._admin.admin_site.admin_view(view), name=self._prefix + name)

        return [
            url("views/", require_GET(self.page)),
            url("views/save/", require_POST(self.save), "_save"),
            url("views/<int:view_id>/change/", require_POST(self.change), "_change"),
            url("views/<int:view_id>/delete/", require_POST(self.delete), "_delete"),
        ]

    def page(self, request: HttpRequest) -> HttpResponse:
        """The views that the user sees, with what can be done with their own."""
        user = self._user(request)
        rows = _seen_by(user, self._model).select_related("owner").order_by(Lower("name"), "pk")
        views = [
            {
                "view": view,
                "url": changelist_url(self._model, view.query),
                "change_url": reverse(f"admin:{self._prefix}_change", args=[view.pk]),
                "delete_url": reverse(f"admin:{self._prefix}_delete", args=[view.pk]),
                "is_own": view.owner_id == user.pk,
            }
            for view in rows[: _MOST_SHOWN * 2]
        ]
        name = self._admin.list_title or self._model._meta.verbose_name_plural
        context = {
            **self._admin.admin_site.each_context(request),
            "title": f"Saved views of the list “{str(name)[:1].upper()}{str(name)[1:]}”",
            "own": [one for one in views if one["is_own"]],
            "shared": [one for one in views if not one["is_own"]],
            "list_url": changelist_url(self._model),
        }
        return TemplateResponse(request, "adminsite/saved_views.html", context)

    def save(self, request: HttpRequest) -> HttpResponse:
        """Keep the filters and the order of the list; a view of the user's own takes on new ones.

        A view is replaced if it has the same name.
        """
        user = self._user(request)
        query = as_kept(QueryDict(request.POST.get("query", "")[: 2 * LONGEST_QUERY]))
        back = changelist_url(self._model, query)
        form = NameForm(request.POST)
        if problem := self._problem(form, query, user):
            return self._answer(request, messages.ERROR, problem, back)
        name, shared = form.cleaned_data["name"], form.cleaned_data["shared"]
        own = SavedView.objects.filter(owner=user, list=self._model._meta.label_lower)
        if own.filter(name__iexact=name).update(query=query, shared=shared):
            text = f"The view “{name}” has these filters now."
            return self._answer(request, messages.SUCCESS, text, back)
        label = self._model._meta.label_lower
        try:
            with transaction.atomic():
                SavedView.objects.create(
                    owner=user, name=name, list=label, query=query, shared=shared
                )
        except IntegrityError:  # in another tab, at this moment
            return self._answer(request, messages.ERROR, _TAKEN, back)
        text = f"Saved as “{name}”{', for all users of this list' if shared else ''}."
        return self._answer(request, messages.SUCCESS, text, back)

    def change(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Rename a view of the user's own, and share it or cease to."""
        view = self._own(request, view_id)
        form = NameForm(request.POST, instance=view)
        if not form.is_valid():
            return self._answer(request, messages.ERROR, _first_error(form))
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            return self._answer(request, messages.ERROR, _TAKEN)
        return self._answer(request, messages.SUCCESS, f"“{view.name}” was saved.")

    def delete(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Delete a view of the user's own, for those it was shared with as well."""
        view = self._own(request, view_id)
        view.delete()
        return self._answer(request, messages.SUCCESS, f"The view “{view.name}” was deleted.")

    def _problem(self, form: NameForm, query: str, user: User) -> str:
        if not form.is_valid():
            return _first_error(form)
        if not query:
            return "Filter or sort the list first: a view keeps that."
        if len(query) > LONGEST_QUERY:
            return "These filters are too long to be saved."
        try:
            rows_listed(self._model, user, query)
        except NotListed as error:
            return str(error)
        return ""

    def _user(self, request: HttpRequest) -> User:
        if not self._admin.has_view_permission(request):
            raise PermissionDenied
        assert isinstance(request.user, User)  # the admin lets no other in
        return request.user

    def _own(self, request: HttpRequest, view_id: int) -> SavedView:
        views = SavedView.objects.filter(list=self._model._meta.label_lower)
        view = views.filter(pk=view_id, owner=self._user(request)).first()
        if view is None:
            raise Http404("You have no such view.")
        return view

    def _answer(self, request: HttpRequest, level: int, text: str, to: str = "") -> HttpResponse:
        self._admin.message_user(request, text, level)
        return HttpResponseRedirect(to or reverse(f"admin:{self._prefix}"))


def _seen_by(user: Any, model: type[Model]):
    return SavedView.objects.filter(Q(owner=user) | Q(shared=True), list=model._meta.label_lower)


def _first_error(form: NameForm) -> str:
    return str(next(iter(form.errors.values()))[0])
