"""Tracked sites: the list, the form, and the page with the snippet and the site doctor."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from adminsite.columns import Column, Link, Moment, Short
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import badge, change_url
from adminsite.options import EmptyState
from channels.models import Channel
from crosssite.admin.findings import STATE_KINDS, Findings, build_findings
from crosssite.admin.snippets import build_snippets
from crosssite.doctor import examine, state_of, with_signs
from crosssite.models import TrackedSite
from crosssite.origins import check_is_no_main_site
from crosssite.testing import send_test

_ADD_WEBSITE_CHANNEL = "admin:channels_channel_add"


@dataclass(frozen=True)
class _NoChannelYet(EmptyState):
    """The empty list while there is nothing that a site could belong to."""

    @property
    def link_url(self) -> str:
        return f"{super().link_url}?kind={Channel.Kind.WEBSITE}"


class TrackedSiteForm(forms.ModelForm):
    """A tracked site, which is not the main site itself."""

    class Meta:
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        websites = Channel.objects.filter(kind=Channel.Kind.WEBSITE)[:2]
        if self.instance.pk is None and "channel" in self.fields and len(websites) == 1:
            self.fields["channel"].initial = websites[0].pk

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        channel, url = cleaned.get("channel"), cleaned.get("url", "")
        if channel is not None:
            check_is_no_main_site(url, channel)
        return cleaned


def state(site) -> SafeString:
    """What the site doctor says of a site."""
    found = state_of(site.enabled, site.last_recorded, site.last_refused)
    return badge(found.label, STATE_KINDS[found])


_NAME = Short("name", ordering="name")


@admin.register(TrackedSite)
class TrackedSiteAdmin(ExplainedDeletionAdmin):
    form = TrackedSiteForm
    list_display = (
        _NAME,
        Short("url", "URL"),
        Link("channel", "Website channel"),
        "enabled",
        Column(state),
        Moment("last_recorded", "Last activity"),
    )
    list_editable = ("enabled",)
    list_filter = (("channel", RelatedDropdownFilter), ("enabled", BooleanRadioFilter))
    list_select_related = ("channel",)
    ordering = ("name", "id")
    sortable_by = (_NAME,)
    search_fields = ("name", "code_name", "url")
    search_help_text = "Name, code name or URL"
    prepopulated_fields = {"code_name": ("name",)}
    fields = ("name", "code_name", "url", "description", "channel", "enabled")
    instead_of_deleting = "Disable it instead: what was recorded stays, and nothing is added."

    class Media:
        css = {"all": ("crosssite/admin.css",)}
        js = ("crosssite/snippet.js", "crosssite/doctor.js")

    @property
    def empty_state(self) -> EmptyState:  # type: ignore[override]  # nobody sets it
        """What the list says while there are no sites; without a channel, that one is missing."""
        if not _website_channels().exists():
            return _NoChannelYet(
                icon="travel_explore",
                title="A website channel comes first",
                text=(
                    "Every tracked site belongs to a main site, and reports to its domain. Create "
                    "a website channel for your main site, then add the other sites here."
                ),
                link_text="Create a website channel",
                link_view=_ADD_WEBSITE_CHANNEL,
            )
        return EmptyState(
            icon="travel_explore",
            title="No tracked sites yet",
            text=(
                "A tracked site is another website whose visitors you want to know, such as a shop "
                "or a microsite. Add it, copy its snippet into its pages, and watch the first "
                "visit come in."
            ),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("channel__tracking_consent")

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return with_signs(queryset)

    def get_urls(self):
        url = path(
            "<int:site_id>/doctor/",
            require_GET(self.admin_site.admin_view(self.doctor_view)),
            name="crosssite_trackedsite_doctor",
        )
        test = path(
            "<int:site_id>/test/",
            require_POST(self.admin_site.admin_view(self.test_view)),
            name="crosssite_trackedsite_test",
        )
        return [url, test, *super().get_urls()]

    def test_view(self, request: HttpRequest, site_id: int) -> HttpResponse:
        """Ask the hub a question as a page of the site would, and show what it answers."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        site = get_object_or_404(self.get_queryset(request), pk=site_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"A test of {site.name}",
            "back_url": f"{change_url(site)}#snippet",
            "tested": send_test(site),
            "door": "Website tracking",
            "explanation": (
                "With 200 and its own address in the answer, pages of the site are let in. The "
                "test records nothing; what becomes of real visits is under “Site doctor”."
            ),
        }
        return TemplateResponse(request, "adminsite/tested.html", context)

    def doctor_view(self, request: HttpRequest, site_id: int) -> JsonResponse:
        """What the page of the site asks for again and again, to show news by itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        site = self.get_object(request, str(site_id))
        if site is None:
            raise Http404("There is no such tracked site.")
        findings = build_findings(request, examine(site))
        activity = findings.report.last_activity
        response = JsonResponse(
            {
                "state": findings.report.state.value,
                "label": findings.report.state.label,
                "last_activity": activity
                and {
                    "title": activity.title,
                    "at": activity.occurred_at,
                    "path": findings.report.last_path,
                },
                "html": _rendered(findings),
            }
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            findings = build_findings(request, examine(obj))
            context |= {
                "findings": findings,
                "snippets": build_snippets(obj),
                "channel_url": findings.links.get("channel"),
                "test_url": reverse("admin:crosssite_trackedsite_test", args=[obj.pk]),
            }
        elif not _website_channels().exists():
            context["needs_website_channel"] = True
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def response_post_save_add(self, request, obj):
        # The next step is the snippet.
        return HttpResponseRedirect(f"{change_url(obj)}#snippet")


def _website_channels() -> QuerySet[Channel]:
    return Channel.objects.filter(kind=Channel.Kind.WEBSITE)


def _rendered(findings: Findings) -> dict[str, str]:
    """The parts of the page that change while somebody watches, by the names they have there."""
    return {
        part: render_to_string(f"crosssite/{part}.html", {"findings": findings})
        for part in ("state", "report")
    }
