"""Requests of persons: the list by due date, the form for a new one, and the page of each."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from adminsite.columns import Badge, Column, Short, labels_of
from adminsite.formatting import badge, change_url, changelist_url, moment
from adminsite.listed import NotListed, rows_listed
from adminsite.options import EmptyState, HubAdmin
from adminsite.permissions import user_of
from adminsite.searching import as_id
from adminsite.words import narrowing
from contacts.admin.searching import search_contacts
from contacts.models import Contact
from database.bounded import TooLong, bounded
from privacy.admin.erase_page import erase_page
from privacy.admin.permissions import may_add_requests, may_answer_requests, may_see_requests
from privacy.admin.receive_page import SEARCH_SECONDS, TOO_MUCH, find_people, receive_page
from privacy.admin.request_actions import ACTIONS, form_for
from privacy.admin.request_filters import DueFilter, ReceivedFilter
from privacy.admin.request_page import (
    IDENTITY,
    STATUS,
    build_page,
    due_badge,
    name_of,
    progress_of,
)
from privacy.models import PersonRequest
from privacy.models.requests import BY_DUE, written
from privacy.requests.answering import NEEDS_IDENTITY
from privacy.requests.due import today
from privacy.requests.people import CannotDo, records_that_ask
from privacy.requests.register import write_register

Kind = PersonRequest.Kind
# A search finds the requests of so many people.
_MOST_PEOPLE = 500


def person(row: PersonRequest) -> str:
    """Who asks, as the list calls them."""
    return name_of(row, row.live_contact)


def due(row: PersonRequest) -> object:
    """How much time is left; after the end, when that was."""
    return due_badge(row) if row.is_open else badge("Ended", "neutral")


def day_due(row: PersonRequest) -> str:
    """The last day for the answer."""
    return written(row.due_on)


def received(row: PersonRequest) -> str:
    """When it came."""
    return written(row.received_on)


def identity(row: PersonRequest) -> object:
    """Whether it was checked who asks, where that is needed."""
    return IDENTITY(row) if row.kind in NEEDS_IDENTITY and not row.is_of_unknown else ""


def ended(row: PersonRequest) -> object:
    """When it ended."""
    return row.ended_at and moment(row.ended_at)


@admin.register(PersonRequest)
class PersonRequestAdmin(HubAdmin):
    list_display = (
        Short(person, "Person"),
        Badge("kind", "What for", labels=labels_of(dict.fromkeys(Kind, "primary"))),
        Column(due, "Time left"),
        Column(day_due, "Due"),
        Column(received, "Received"),
        Column(identity, "Identity"),
        STATUS,
        Column(ended, "Ended"),
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        DueFilter,
        ReceivedFilter,
    )
    longest_seconds = SEARCH_SECONDS
    ordering = BY_DUE
    sortable_by = ()
    search_fields = ("email",)
    search_help_text = "Name, email or GUID of the person"
    list_help = (
        "What persons ask for about their data. Each is answered within a month of its receipt; "
        "the most urgent ones stand at the top."
    )
    empty_state = EmptyState(
        icon="contact_support",
        title="No requests yet",
        text=(
            "When a person wants to know which data you keep, to take it elsewhere, to be "
            "forgotten, or to get no more marketing, add the request here. The hub counts the "
            "days, and leads you from the receipt to the answer."
        ),
        link_text="Add a request",
        link_view="admin:privacy_personrequest_add",
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"privacy_personrequest_{name}")

        erase = require_http_methods(["GET", "POST"])(self.erase_view)
        return [
            url("people/", require_GET(self.people_view), "people"),
            url("register/", require_GET(self.register_view), "register"),
            url("<int:request_id>/erase/", erase, "erase"),
            url("<int:request_id>/progress/", require_GET(self.progress_view), "progress"),
            url("<int:request_id>/do/<slug:action>/", require_POST(self.act_view), "act"),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, obj: PersonRequest | None = None) -> bool:
        return may_see_requests(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_add_requests(request.user)

    def has_change_permission(self, request: HttpRequest, obj: PersonRequest | None = None) -> bool:
        return may_answer_requests(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: PersonRequest | None = None) -> bool:
        # The register is proof.
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_requests(request.user)

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.prefetch_related("live_contact")

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        people = search_contacts(Contact.objects.live(), term).order_by("-pk")
        ids = people.values_list("pk", flat=True)[:_MOST_PEOPLE]
        theirs = Q(contact__in=records_that_ask(ids))
        number = as_id(term) if term.startswith("#") else None
        return queryset.filter(theirs | Q(email__icontains=term) | Q(pk=number))

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        return receive_page(self, request)

    def people_view(self, request: HttpRequest) -> HttpResponse:
        """Contacts that are found while a user types who asks."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return TemplateResponse(request, "privacy/requests/people.html", find_people(request.GET))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            raise PermissionDenied("A request is not edited: its page has buttons.")
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self.page(request, row)

    def page(
        self,
        request: HttpRequest,
        row: PersonRequest,
        sent: dict[str, forms.Form] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The page of a request; `sent` are forms that were refused, with what is wrong."""
        context = {
            **self.admin_site.each_context(request),
            **build_page(request, row, sent),
            "opts": self.opts,
            "object": row,
            "title": f"Request {row.pk}",
            "list_url": reverse("admin:privacy_personrequest_changelist"),
        }
        return TemplateResponse(request, "privacy/requests/page.html", context, status=status)

    def act_view(self, request: HttpRequest, request_id: int, action: str) -> HttpResponse:
        """Do what a button says."""
        row = self._row(request, request_id)
        if action not in ACTIONS:
            raise Http404("There is no such action.")
        form = form_for(action, row, request.POST)
        if form.is_valid():
            try:
                text = ACTIONS[action].do(row, form.cleaned_data, user_of(request))
            except CannotDo as error:
                if error.field not in form.fields:
                    # Something else has happened to the request: its page shows what.
                    self.message_user(request, str(error), messages.ERROR)
                    return HttpResponseRedirect(change_url(row))
                form.add_error(error.field, str(error))
            else:
                self.message_user(request, text, messages.SUCCESS)
                return HttpResponseRedirect(change_url(row))
        row.refresh_from_db()
        return self.page(request, row, {action: form})

    def erase_view(self, request: HttpRequest, request_id: int) -> HttpResponse:
        """What an erasure would do, and the button that does it."""
        return erase_page(self, request, self._row(request, request_id))

    def progress_view(self, request: HttpRequest, request_id: int) -> HttpResponse:
        """How far a worker is with an erasure or a file, which the page shows until it is over."""
        row = self._row(request, request_id, to_see=True)
        context = progress_of(row, request.user)
        # At the end all of the page is another one.
        headers = {"HX-Refresh": "true"} if context["is_over"] else {}
        template = "privacy/requests/progress.html"
        return TemplateResponse(request, template, context, headers=headers)

    def register_view(self, request: HttpRequest) -> HttpResponseBase:
        """The requests that the filters of the list find, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = narrowing(QueryDict(request.META.get("QUERY_STRING", "")))
        try:
            with bounded(SEARCH_SECONDS):
                rows: Any = rows_listed(PersonRequest, user_of(request), query).queryset
        except NotListed as error:
            raise Http404(str(error)) from None
        except TooLong:
            self.message_user(request, TOO_MUCH, messages.ERROR)
            return HttpResponseRedirect(changelist_url(PersonRequest))
        return StreamingHttpResponse(
            write_register(rows),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="requests-{today():%Y-%m-%d}.csv"',
                "Cache-Control": "no-store",
            },
        )

    def _row(self, request: HttpRequest, request_id: int, *, to_see: bool = False) -> PersonRequest:
        may = self.has_view_permission if to_see else self.has_change_permission
        if not may(request):
            raise PermissionDenied
        row = self.get_object(request, str(request_id))
        if row is None:
            raise Http404("There is no such request.")
        return row
