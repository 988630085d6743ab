"""The page on which a marketer sees what a merge would do, and asks for it."""

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from adminsite.formatting import change_url
from contacts.admin.snapshots import compare, fields_of
from contacts.merging import (
    CannotMerge,
    choose_survivor,
    count_rows,
    have_different_emails,
    preview_merge,
    request_merge,
)
from contacts.models import Contact, ContactMerge


def merge_two_contacts(
    model_admin: ModelAdmin, request: HttpRequest, survivor_id: int, loser_id: int
) -> HttpResponse:
    """Show, side by side, what becomes of two contacts; a POST asks for the merge."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    one = get_object_or_404(Contact.objects.live(), pk=survivor_id)
    other = get_object_or_404(Contact.objects.live(), pk=loser_id)
    survivor, loser = choose_survivor(one, other)
    if request.method == "POST":
        return _request(model_admin, request, survivor, loser)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Merge two contacts",
        "survivor": survivor,
        "loser": loser,
        "rows": compare(fields_of(survivor), fields_of(loser), preview_merge(survivor, loser)),
        "moving": count_rows(loser),
        "needs_decision": have_different_emails(survivor, loser),
        "contacts_url": reverse("admin:contacts_contact_changelist"),
    }
    return TemplateResponse(request, "admin/contacts/contact/merge.html", context)


def _request(model_admin, request, survivor, loser) -> HttpResponse:
    try:
        merge = request_merge(
            survivor=survivor,
            loser=loser,
            reason=ContactMerge.Reason.MARKETER,
            requested_by=request.user,
        )
    except CannotMerge as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:contacts_contact_changelist"))
    if merge.status == ContactMerge.Status.REVIEW:
        text = "The two have different emails. Decide below whether they are one person."
        model_admin.message_user(request, text, messages.WARNING)
    else:
        text = "The merge was asked for. A worker carries it out in a moment."
        model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(change_url(merge))
