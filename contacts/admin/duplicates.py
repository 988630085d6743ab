"""The search for duplicates, as a user starts it and watches how far it is."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from contacts.admin.permissions import may_decide_merges, may_see_merges
from contacts.duplicates import LOOKS, MOST_PAIRS, cancel_search, request_search
from contacts.models import DuplicateSearch


def progress_context() -> dict[str, Any]:
    """How far the newest search is."""
    search = DuplicateSearch.objects.select_related("requested_by").order_by("-pk").first()
    found = search.found if search else {}
    return {
        "search": search,
        "search_goes_on": search is not None and search.finished_at is None,
        "looks": [(look.reason.label, found.get(look.reason)) for look in LOOKS],
        "looked": len(found),
        "looks_in_all": len(LOOKS),
        "most_pairs": MOST_PAIRS,
        "is_cut": any(count >= MOST_PAIRS for count in found.values()),
        "progress_url": reverse("admin:contacts_contactmerge_progress"),
    }


def search_progress(request: HttpRequest) -> HttpResponse:
    """How far the newest search is, which the page asks for until it is over."""
    if not may_see_merges(request.user):
        raise PermissionDenied
    return TemplateResponse(request, "contacts/duplicates.html", progress_context())


def start_or_cancel(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Have a worker look for duplicates, or give up the search that goes on."""
    if not may_decide_merges(request.user):
        raise PermissionDenied
    if "cancel" in request.POST:
        newest = DuplicateSearch.objects.order_by("-pk").first()
        is_over = newest is None or not cancel_search(newest)
        text = "The search was over." if is_over else "The search was cancelled."
    else:
        request_search(by=request.user)  # type: ignore[arg-type]
        text = "A worker looks for duplicates."
    model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:contacts_contactmerge_decisions"))
