"""The page on which a marketer sees what a merge would do, chooses who wins, and asks for it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from adminsite.formatting import change_url
from adminsite.permissions import May
from contacts.admin.naming import hide_values
from contacts.admin.permissions import may_decide_merges, may_see_contacts
from contacts.admin.snapshots import compare
from contacts.merging import (
    CannotMerge,
    count_rows,
    have_different_emails,
    preview_merge,
    request_merge,
)
from contacts.models import Contact, ContactMerge
from contacts.profile import FIELDS, fields_of, texts_of


@dataclass(frozen=True)
class Outcome:
    """What else becomes of two contacts who are merged, which a room above knows of.

    `build` gives rows: what it is about, the survivor's, the merged contact's, and afterwards.
    """

    title: str
    may_see: May
    build: Callable[[Contact, Contact], Sequence[tuple[str, str, str, str]]]


_outcomes: list[Outcome] = []


def register_outcome(outcome: Outcome) -> None:
    """Show something else on the page of a merge."""
    _outcomes.append(outcome)


def merge_two_contacts(
    model_admin: ModelAdmin, request: HttpRequest, survivor_id: int, loser_id: int
) -> HttpResponse:
    """Show, side by side, what becomes of two contacts; a POST asks for the merge."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    if survivor_id == loser_id:
        model_admin.message_user(request, "Select two contacts, not one twice.", messages.ERROR)
        return HttpResponseRedirect(_contacts_url())
    survivor = get_object_or_404(Contact, pk=survivor_id)
    loser = get_object_or_404(Contact, pk=loser_id)
    if merged := next((one for one in (survivor, loser) if one.merged_into_id), None):
        text = "One of the two was merged meanwhile: this is who it has become part of."
        model_admin.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(change_url(merged.merged_into))
    chosen = _chosen(request, loser="loser")
    if "swap" in request.POST:
        # The values that were chosen stay chosen, though the other contact survives.
        survivor, loser, chosen = loser, survivor, _chosen(request, loser="survivor")
    elif request.method == "POST":
        shown = request.POST.get("shown")
        if shown is None or shown == _shown(survivor, loser):
            return _request(model_admin, request, survivor, loser, chosen)
        text = "One of the two has changed since you opened this page. Look again, then merge."
        model_admin.message_user(request, text, messages.WARNING)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Merge two contacts",
        **_context(request, survivor, loser, chosen),
    }
    return TemplateResponse(request, "admin/contacts/contact/merge.html", context)


def _context(
    request: HttpRequest, survivor: Contact, loser: Contact, chosen: Sequence[str]
) -> dict[str, Any]:
    result = preview_merge(survivor, loser, chosen)
    rows = compare(fields_of(survivor), fields_of(loser), result)
    mine, moving = count_rows(survivor), count_rows(loser)
    user = request.user
    differ = have_different_emails(survivor, loser)
    return {
        "survivor": survivor,
        "loser": loser,
        "rows": rows if may_see_contacts(user) else hide_values(rows),
        "chosen": chosen,
        "moving": moving,
        "counts": [(name, mine.get(name, 0), moving.get(name, 0)) for name in mine | moving],
        "outcomes": [
            (outcome.title, outcome.build(survivor, loser))
            for outcome in _outcomes
            if outcome.may_see(user)
        ],
        "shown": _shown(survivor, loser),
        "has_different_emails": differ,
        "needs_decision": differ and not may_decide_merges(user),
        "form_url": reverse("admin:contacts_contact_merge", args=[survivor.pk, loser.pk]),
        "contacts_url": _contacts_url(),
    }


def _chosen(request: HttpRequest, *, loser: str) -> list[str]:
    """The fields in which the user has chosen the values of the contact that the page calls so."""
    return [name for name in FIELDS if request.POST.get(f"wins-{name}") == loser]


def _shown(survivor: Contact, loser: Contact) -> str:
    """What the page has shown of the two, as the form carries it."""
    both = [(one.pk, one.merged_into_id, texts_of(fields_of(one))) for one in (survivor, loser)]
    return hashlib.sha256(json.dumps(both).encode()).hexdigest()


def _request(
    model_admin: ModelAdmin,
    request: HttpRequest,
    survivor: Contact,
    loser: Contact,
    chosen: Sequence[str],
) -> HttpResponse:
    user: Any = request.user
    try:
        merge = request_merge(
            survivor=survivor,
            loser=loser,
            reason=ContactMerge.Reason.MARKETER,
            requested_by=user,
            decided_by=user if may_decide_merges(user) else None,
            loser_wins=chosen,
        )
    except CannotMerge as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(_contacts_url())
    if merge.status == ContactMerge.Status.REVIEW:
        text = "The two have different emails: a user who may decide about merges has to agree."
        model_admin.message_user(request, text, messages.WARNING)
    else:
        text = "The merge was asked for. A worker carries it out in a moment."
        model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(change_url(merge))


def _contacts_url() -> str:
    return reverse("admin:contacts_contact_changelist")
