"""What the admin pages of all apps have in common."""

from dataclasses import dataclass

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from adminsite.columns import Column, seen_by
from adminsite.filters import FormFilter, added_filters
from adminsite.formatting import EMPTY, change_url
from adminsite.looking import Found, Look, combined, find
from adminsite.navigation import build_list_links
from adminsite.paginator import EstimatedCountPaginator
from adminsite.saved_views import Pages, Tab, tabs_of
from adminsite.searching import has_words
from adminsite.words import Said, as_kept, say_filters
from database.bounded import TooLong, bounded
from database.lookups import Among


@dataclass(frozen=True)
class EmptyState:
    """What a list without rows says: what will be here, and what to do next."""

    icon: str
    title: str
    text: str
    link_text: str = ""
    link_view: str = ""

    @property
    def link_url(self) -> str:
        return reverse(self.link_view) if self.link_view else ""


class HubChangeList(ChangeList):
    """A list whose heading mentions a number of results only if some rows are filtered out.

    :ivar look: what its filters have to look for in each row, if anything
    :ivar found: what they found
    :ivar took_too_long: whether PostgreSQL was told to stop
    :ivar note: what its order leaves out, in a sentence
    """

    look: Look | None = None
    found: Found | None = None
    took_too_long = False
    note = ""
    shows_a_page = True

    def __init__(self, request, *args, **kwargs):
        # PostgreSQL cannot even be asked about a text with NUL in it.
        if any("\0" in value for name, value in request.GET.items() if name != SEARCH_VAR):
            raise IncorrectLookupParameters
        self._request = request
        super().__init__(request, *args, **kwargs)
        self.title = capfirst(self.opts.verbose_name_plural)
        self.search_help_text = self.model_admin.search_help(request)

    root_queryset: QuerySet
    queryset: QuerySet

    def get_filters(self, request):
        specs, has_filters, others, may_repeat, has_active = super().get_filters(request)
        # What no filter of the list takes is a condition on any column, of other tables too. It
        # would tell, letter by letter, what no page shows. Django's `lookup_allowed` lets all of
        # the model's own columns pass.
        if others:
            raise IncorrectLookupParameters
        return specs, has_filters, others, may_repeat, has_active

    def get_ordering_field(self, field_name):
        # The order of rows tells what is in a column, and costs what only an index makes cheap.
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_ordering(self, request, queryset):
        place = self._place_that_filters_sort_by()
        if place is not None and ORDER_VAR not in self.params:
            self.params[ORDER_VAR] = f"-{place}"
        return super().get_ordering(request, queryset)

    def _place_that_filters_sort_by(self) -> int | None:
        """Where the column is by which a filter that is in use sorts, if the user sees it."""
        names = {getattr(spec, "sorts_by", "") for spec in self.filter_specs}
        places = (
            place
            for place, column in enumerate(self.list_display)
            if isinstance(column, Column) and column.name in names and column in self.sortable_by
        )
        return next(places, None)

    def get_queryset(self, request, exclude_parameters=None):
        self.root_queryset = self.model_admin.get_list_queryset(request, self.root_queryset)
        try:
            rows = self._searched(request, exclude_parameters)
        except TooLong:
            self.took_too_long = True
            return self.root_queryset.none()
        for column in self._ordering_columns():
            if column.left_out:
                rows = rows.filter(**{f"{column.ordering}__isnull": False})
                self.note = column.left_out if ORDER_VAR in request.GET else ""
        specs = [spec for spec in self.filter_specs if isinstance(spec, FormFilter)]
        self.look = combined([look for spec in specs if (look := spec.look()) is not None])
        if self.look is None or not self.shows_a_page:
            return rows
        self.found = find(rows, self.look, enough=self.page_num * self.list_per_page + 1)
        shown = rows.filter(Among("pk", self.found.ids))
        if self.found.is_cut:
            shown.found_in_time = len(self.found.ids)
        return shown

    def _searched(self, request, exclude_parameters):
        """The rows that filters and the search find; what the search looks up first is bounded."""
        seconds = self.model_admin.longest_seconds
        if seconds is None or not self.query or not self.shows_a_page:
            return super().get_queryset(request, exclude_parameters)
        with bounded(seconds):
            return super().get_queryset(request, exclude_parameters)

    def _ordering_columns(self) -> list[Column]:
        """The columns by which the user has sorted the list."""
        shown = dict(enumerate(self.list_display))
        columns = [shown.get(int(place)) for place in self.get_ordering_field_columns()]
        return [one for one in columns if isinstance(one, Column) and one in self.sortable_by]

    def get_results(self, request):
        if not self.shows_a_page:
            return
        seconds = self.model_admin.longest_seconds
        if seconds is None:
            self._get_page(request)
            return
        try:
            with bounded(seconds):
                self._get_page(request)
                len(self.result_list)  # reads them, while the time counts
        except TooLong:
            self.took_too_long = True
            self.queryset = self.queryset.none()
            self._get_page(request)

    def _get_page(self, request):
        super().get_results(request)
        if not is_narrowed(request):
            self.full_result_count = self.result_count

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query) or self.has_active_filters

    @property
    def said(self) -> list[Said]:
        """What narrows the list, in words."""
        return say_filters(self)

    @cached_property
    def views(self) -> list[Tab]:
        """The saved views of the list that the user may open."""
        return tabs_of(self, self._request) if self.model_admin.keeps_views else []

    @property
    def open_view(self) -> Tab | None:
        """The saved view that is open, if it is one."""
        return next((tab for tab in self.views if tab.is_open), None)

    @property
    def to_save(self) -> str:
        """What a view of this list would keep: its filters and order; "" if it has none."""
        return as_kept(self._request.GET) if self.model_admin.keeps_views else ""


class RowsOfList(HubChangeList):
    """All rows that the filters of a list find, for those who do something with them."""

    shows_a_page = False


class HubAdmin(ModelAdmin):
    """The base of every admin page: estimated counts, empty states, no bulk deletion."""

    empty_state: EmptyState | None = None
    # What the list is called if not by its rows.
    list_title = ""
    # What stands above a list that has rows: an empty one has its `empty_state`.
    list_help = ""
    list_before_template = "adminsite/list_help.html"
    empty_value_display = EMPTY
    paginator = EstimatedCountPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each of them is a count of the whole table
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    list_filter_sheet = True
    list_fullwidth = True
    warn_unsaved_form = True
    # How long PostgreSQL may look for the rows of a list; None: as long as it takes.
    longest_seconds: float | None = None
    # Whether its rows can be exported as those of other lists are, if it can be filtered.
    is_exported = True

    @property
    def keeps_views(self) -> bool:
        """Whether users may save the filters of the list: whether there are any."""
        return bool(self.list_filter or self.search_fields)

    def get_urls(self) -> list:
        return [*Pages(self).urls(), *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        links = build_list_links(request, self.model)
        given: dict[str, object] = {
            "list_links": [link for link in links if not link["for_all_found"]],
            "links_for_all_found": [link for link in links if link["for_all_found"]],
        }
        if self.list_title:
            given["title"] = self.list_title
        return super().changelist_view(request, {**given, **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> tuple:
        return seen_by(request.user, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> tuple:
        return (*super().get_list_filter(request), *added_filters(self.model, request.user))

    def get_fieldsets(self, request: HttpRequest, obj=None) -> list:
        return [
            (title, {**options, "fields": seen_by(request.user, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows of the list, where those are not all rows, with what its columns need."""
        return queryset

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        """Those of `queryset` that `term`, which is not empty, leads to.

        It looks only into what the user of `request` may see.
        """
        return queryset.filter(has_words(self.search_fields, term.split()))

    def search_help(self, request: HttpRequest) -> str | None:
        """What `find` leads to, for the user of `request`."""
        return self.search_help_text

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        return (self.find(request, queryset, term) if term else queryset), False

    def get_changelist(self, request: HttpRequest, **kwargs) -> type[HubChangeList]:
        return HubChangeList if getattr(request, "shows_a_page", True) else RowsOfList

    def get_paginator(self, request: HttpRequest, *args, **kwargs) -> Paginator:
        paginator = super().get_paginator(request, *args, **kwargs)
        paginator.is_whole_table = not is_narrowed(request)
        paginator.found_in_time = getattr(paginator.object_list, "found_in_time", None)
        return paginator

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


class StayingAdmin(HubAdmin):
    """Pages on which users stay when they have saved: there they see what comes of it."""

    def response_post_save_add(self, request, obj):
        return HttpResponseRedirect(change_url(obj))

    def response_post_save_change(self, request, obj):
        return HttpResponseRedirect(change_url(obj))


class ReadOnlyAdmin(HubAdmin):
    """Pages of what is history: everyone with permission may look, and nobody may change it."""

    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def change_view(self, request, object_id, form_url="", extra_context=None):
        context = {"show_history": False, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def history_view(self, request, object_id, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        # It would be empty, and its title names what the page itself may hide.
        raise Http404("Nothing changes what is history.")


def is_narrowed(request: HttpRequest) -> bool:
    """Whether a list is searched or filtered, not only sorted or paged."""
    return any(value for name, value in request.GET.items() if name not in (ORDER_VAR, PAGE_VAR))
