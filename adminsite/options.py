"""What the admin pages of all apps have in common."""

from dataclasses import dataclass

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from adminsite.formatting import EMPTY
from adminsite.paginator import EstimatedCountPaginator


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
    """A list whose heading mentions a number of results only if some rows are filtered out."""

    def __init__(self, request, *args, **kwargs):
        # PostgreSQL cannot even be asked about a text with NUL in it.
        if any("\0" in value for name, value in request.GET.items() if name != SEARCH_VAR):
            raise IncorrectLookupParameters
        super().__init__(request, *args, **kwargs)
        self.title = capfirst(self.opts.verbose_name_plural)

    root_queryset: QuerySet

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

    def get_queryset(self, request, exclude_parameters=None):
        self.root_queryset = self.model_admin.get_list_queryset(request, self.root_queryset)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request):
        super().get_results(request)
        if not is_narrowed(request):
            self.full_result_count = self.result_count

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query) or self.has_active_filters


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

    def changelist_view(self, request, extra_context=None):
        title = {"title": self.list_title} if self.list_title else {}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows of the list, where those are not all rows, with what its columns need."""
        return queryset

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        """Those of `queryset` that `term`, which is not empty, leads to.

        It looks only into what the user of `request` may see.
        """
        raise NotImplementedError  # only lists with a search are asked

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        if not term or type(self).find is HubAdmin.find:
            return super().get_search_results(request, queryset, term)
        return self.find(request, queryset, term), False

    def get_changelist(self, request: HttpRequest, **kwargs) -> type[HubChangeList]:
        return HubChangeList

    def get_paginator(self, request: HttpRequest, *args, **kwargs) -> Paginator:
        paginator = super().get_paginator(request, *args, **kwargs)
        paginator.is_whole_table = not is_narrowed(request)
        return paginator

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


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


def is_narrowed(request: HttpRequest) -> bool:
    """Whether a list is searched or filtered, not only sorted or paged."""
    return any(value for name, value in request.GET.items() if name not in (ORDER_VAR, PAGE_VAR))
