"""The record of processing as a page, as a document, and the form for what the hub cannot know."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from unfold.widgets import UnfoldAdminTextareaWidget

from adminsite.navigation import SidebarItem, register_item
from adminsite.permissions import May
from privacy.admin.permissions import may_change_profile, may_see_record
from privacy.generated.record import profile, record
from privacy.models import PrivacyProfile

_View = Callable[[HttpRequest], HttpResponse]


class ProfileForm(forms.ModelForm):
    """What the record says and the hub cannot know."""

    class Meta:
        model = PrivacyProfile
        fields = (
            "controller",
            "representative",
            "officer",
            "purposes",
            "legal_bases",
            "persons",
            "recipients",
            "transfers",
            "security",
        )
        widgets = dict.fromkeys(fields, UnfoldAdminTextareaWidget)


def _for_users_who(may: May) -> Callable[[_View], _View]:
    def decorate(view: _View) -> _View:
        def checked(request: HttpRequest) -> HttpResponse:
            if not may(request.user):
                raise PermissionDenied
            return view(request)

        return admin.site.admin_view(checked)

    return decorate


@require_GET
@_for_users_who(may_see_record)
def index(request: HttpRequest) -> HttpResponse:
    """The record as a page of the admin."""
    address = reverse("privacy_record:document")
    may_edit = may_change_profile(request.user)
    context = {
        "sections": record(),
        "document_url": address,
        "download_url": f"{address}?download=1",
        "edit_url": reverse("privacy_record:profile") if may_edit else "",
    }
    return _page(request, "page", "Record of processing", context)


@require_GET
@_for_users_who(may_see_record)
def document(request: HttpRequest) -> HttpResponse:
    """The record alone, to print or to keep: HTML that needs nothing else."""
    context = {"sections": record(), "made_at": timezone.localtime()}
    headers = {"Cache-Control": "no-store"}
    if request.GET.get("download"):
        name = f"record-of-processing-{timezone.localdate():%Y-%m-%d}.html"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return TemplateResponse(request, "privacy/record/document.html", context, headers=headers)


@require_http_methods(["GET", "POST"])
@_for_users_who(may_change_profile)
def edit(request: HttpRequest) -> HttpResponse:
    """The form for what the hub cannot know."""
    form = ProfileForm(request.POST or None, instance=profile())
    back_url = reverse("privacy_record:index")
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The record has these texts now.")
        return HttpResponseRedirect(back_url)
    context = {"form": form, "back_url": back_url}
    return _page(request, "profile", "What the hub cannot know", context)


def _page(request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    given = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"privacy/record/{name}.html", given)


register_item(
    SidebarItem(
        group="Privacy",
        position=60,
        title="Record of processing",
        icon="fact_check",
        view="privacy_record:index",
        may_see=may_see_record,
    )
)
