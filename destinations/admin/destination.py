"""Destinations: the list, the form that asks what the kind needs, and a destination's page."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.widgets import INPUT_CLASSES

from adminsite.careful import CarefulAdmin
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import change_url
from adminsite.options import EmptyState, StayingAdmin
from destinations.admin import kind_options
from destinations.admin.actions import (
    ACTIONS,
    act,
    asked_since,
    send_again_since,
    sent_since,
    tested,
)
from destinations.admin.example import example
from destinations.admin.forms import DestinationForm, form_class
from destinations.admin.listing import COLUMNS, NAME, with_figures
from destinations.admin.page import page_of
from destinations.admin.permissions import (
    may_change_destinations,
    may_send_again,
    may_write_destinations,
)
from destinations.admin.reading import FIELDSETS
from destinations.admin.secrets import rotate_page, secret_page
from destinations.admin.warnings import left_by_deleting
from destinations.deleting import delete_destination
from destinations.kinds import kinds
from destinations.models import Destination
from destinations.saving import save_destination
from groups.admin import previewing
from groups.admin.offers import offers

_WHAT = ("activities", "groups", "consents", "changes")

_GOES_ALONG = (
    "What the log says of its messages, and what waits to go out: also requests to delete contacts "
    "who were erased"
)


@admin.register(Destination)
class DestinationAdmin(StayingAdmin, CarefulAdmin, ExplainedDeletionAdmin):
    form = DestinationForm
    list_display = COLUMNS
    list_filter = (("enabled", BooleanRadioFilter), ("type", ChoicesDropdownFilter))
    ordering = (Lower("name"),)
    sortable_by = (NAME,)
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    prepopulated_fields = {"code_name": ("name",)}
    list_help = (
        "What is recorded goes on to these systems, within a second, as long as the contact agrees."
    )
    empty_state = EmptyState(
        icon="outbound",
        title="No destinations yet",
        text=(
            "A destination is another system that is told what the hub records, such as purchases "
            "of contacts who have agreed to that. Add one, choose what goes out, and send a test."
        ),
    )

    @property
    def conditional_fields(self) -> dict[str, str]:
        return {"fields": "which_fields == 'some'", **kind_options.conditions()}

    def get_fieldsets(self, request: HttpRequest, obj=None) -> list:
        if not self._may_edit(request, obj):
            return FIELDSETS
        return [
            (None, {"fields": ("name", "code_name", "type", "enabled", "dry")}),
            (
                "Where it goes",
                {"fields": ("url", *kind_options.option_fields(), "method", "headers")},
            ),
            ("What goes out", {"fields": _WHAT}),
            ("Only what is about contacts who meet this rule", {"fields": ("rule",)}),
            (
                "About whom, and how much of them",
                {"fields": ("consent", "email", "which_fields", "fields")},
            ),
            ("What a message looks like", {"fields": ("mapping",)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj=None):
        if self._may_edit(request, obj):
            return ()
        return tuple(field for _, options in FIELDSETS for field in options["fields"])

    def _may_edit(self, request: HttpRequest, obj: Destination | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        destination = self.get_object(request, unquote(object_id))
        left = [] if destination is None else left_by_deleting(destination)
        return super().delete_view(request, object_id, {**(extra_context or {}), "left": left})

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return with_figures(queryset)

    def get_urls(self):
        def url(route, view, name):
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"destinations_destination_{name}")

        of_one = "<int:destination_id>"
        return [
            url("rule/", require_POST(self.rule_view), "rule"),
            url("suggest/", require_GET(self.suggest_view), "suggest"),
            url("example/", require_POST(self.example_view), "example"),
            url(f"{of_one}/do/<slug:action>/", require_POST(self.act_view), "act"),
            url(f"{of_one}/test/", require_POST(self.test_view), "test"),
            url(f"{of_one}/secret/", self.rotate_view, "rotate"),
            url(f"{of_one}/again/", self.again_view, "again"),
            *super().get_urls(),
        ]

    def get_deleted_objects(self, objs, request):
        shown, *rest = super().get_deleted_objects(objs, request)
        return [*shown, _GOES_ALONG], *rest

    def rule_view(self, request: HttpRequest) -> JsonResponse:
        """What the rule that the builder sends says and matches."""
        _require(may_write_destinations(request.user))
        return previewing.preview(request)

    def suggest_view(self, request: HttpRequest) -> JsonResponse:
        """Values for a text of a condition."""
        _require(may_write_destinations(request.user))
        return previewing.suggest(request)

    def example_view(self, request: HttpRequest) -> JsonResponse:
        """What would go out, as the form stands now."""
        _require(may_write_destinations(request.user))
        return example(request)

    def act_view(self, request: HttpRequest, destination_id: int, action: str) -> HttpResponse:
        """Do what a button says."""
        destination = self._destination(request, destination_id)
        _require(may_change_destinations(request.user))
        if action not in ACTIONS:
            raise Http404("There is no such action.")
        level, text = act(destination, action)
        self.message_user(request, text, level)
        return HttpResponseRedirect(change_url(destination))

    def test_view(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        """Send a test, and show what came of it: on the page if that asks, else on its own."""
        destination = self._destination(request, destination_id)
        _require(may_change_destinations(request.user))
        context = tested(destination)
        if request.headers.get("HX-Request"):
            return TemplateResponse(request, "destinations/tested.html", context)
        context |= self._context(request, destination, f"Test of {destination}")
        return TemplateResponse(request, "destinations/test.html", context)

    def rotate_view(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        """Replace the secret of a webhook."""
        destination = self._destination(request, destination_id)
        _require(may_change_destinations(request.user))
        return rotate_page(self, request, destination)

    def again_view(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        """Say how much was sent since a time, and send it again."""
        destination = self._destination(request, destination_id)
        _require(may_send_again(request.user))
        since, problem = asked_since(request)
        if request.method == "POST" and since is not None:
            level, text = send_again_since(destination, since)
            self.message_user(request, text, level)
            return HttpResponseRedirect(change_url(destination))
        context = {
            **self._context(request, destination, "Send again"),
            "since": since,
            "count": sent_since(destination, since) if since else "",
            "problem": problem,
            "input_class": " ".join(INPUT_CLASSES),
        }
        return TemplateResponse(request, "destinations/again.html", context)

    def _context(self, request: HttpRequest, destination: Destination, title: str) -> dict:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "destination": destination,
            "back_url": change_url(destination),
        }

    def _destination(self, request: HttpRequest, destination_id: int) -> Destination:
        """The destination of an address, for users who may see it."""
        destination = self.get_object(request, str(destination_id))
        _require(self.has_view_permission(request, destination))
        if destination is None:
            raise Http404("There is no such destination.")
        return destination

    def get_form(self, request, obj=None, change=False, **kwargs):
        # Users who may only look see no field of it.
        kwargs["form"] = form_class() if self._may_edit(request, obj) else ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        form = context["adminform"].form
        if "mapping" in form.fields:
            form.offer()
            form.fields["mapping"].tell(
                url=reverse("admin:destinations_destination_example"),
                drawable=[type_ for type_, kind in kinds().items() if kind.has_mapping],
            )
            rule = form.fields["rule"].widget
            rule.offers = offers()
            rule.preview_url = reverse("admin:destinations_destination_rule")
            rule.suggest_url = reverse("admin:destinations_destination_suggest")
        if obj is not None:
            context |= page_of(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request, obj, form, change):
        save_destination(obj)

    def delete_model(self, request, obj):
        delete_destination(obj)

    def response_add(self, request, obj, post_url_continue=None):
        response = super().response_add(request, obj, post_url_continue)
        # Whichever button it was: the secret is shown now or never.
        return secret_page(self, request, obj, is_new=True) if obj.secret else response


def _require(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied
