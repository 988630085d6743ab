"""The page on which a user sees what an erasure does, and begins it, asks for it or approves."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from adminsite.formatting import change_url, link_to
from contacts.models import Contact
from destinations.admin.permissions import may_see_destinations
from destinations.models import Delivery
from privacy.admin.request_forms import EraseForm
from privacy.admin.request_page import next_of
from privacy.models import PersonRequest
from privacy.requests.answering import ERASED
from privacy.requests.erasing import (
    ONES_OWN,
    MergedMeanwhile,
    approve,
    ask_or_erase,
    needs_two,
    preview,
    shown_of,
)
from privacy.requests.people import CannotDo, live_contact_of

_LOOK = "Look at what goes, then confirm: the form did not say whom you have seen."


def erase_page(model_admin: ModelAdmin, request: HttpRequest, row: PersonRequest) -> HttpResponse:
    """Show what the erasure that a request asks for would do; a POST begins it or asks for it."""
    user: Any = request.user
    contact = live_contact_of(row)
    doing = next_of(row, contact, None)
    is_own = doing == "approve" and row.erasure_asked_by_id == user.pk
    if doing not in ("erase", "approve") or contact is None or is_own:
        text = ONES_OWN if is_own else "There is nothing to erase by this request now."
        model_admin.message_user(request, text, messages.INFO)
        return HttpResponseRedirect(change_url(row))
    form = EraseForm(
        request.POST or None,
        initial={"shown": shown_of(contact)},
        expected=contact.email or contact.short_code,
        has_ground=doing == "erase",
    )
    if request.method == "POST" and form.is_valid():
        return HttpResponseRedirect(_do(model_admin, request, row, form, doing))
    if "shown" in form.errors:
        model_admin.message_user(request, _LOOK, messages.WARNING)
        return HttpResponseRedirect(request.get_full_path())
    try:
        previewed = _previewed(request, contact)
    except Contact.DoesNotExist:  # just now
        model_admin.message_user(request, ERASED, messages.ERROR)
        return HttpResponseRedirect(change_url(row))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Erase {contact}",
        "opts": model_admin.opts,
        "object": row,
        "row": row,
        "contact": contact,
        "form": form,
        "doing": doing,
        "needs_two": needs_two(),
        "asked_by": row.erasure_asked_by,
        "back_url": change_url(row),
        **previewed,
    }
    return TemplateResponse(request, "privacy/requests/erase.html", context)


def _do(
    model_admin: ModelAdmin,
    request: HttpRequest,
    row: PersonRequest,
    form: EraseForm,
    doing: str,
) -> str:
    """Begin the erasure, or ask for it, and say so; return the address of the next page."""
    user: Any = request.user
    shown = form.cleaned_data["shown"]
    try:
        if doing == "approve":
            approve(row.pk, shown=shown, by=user)
            began = True
        else:
            began = ask_or_erase(row.pk, form.cleaned_data["ground"], shown=shown, by=user)
    except MergedMeanwhile as error:
        model_admin.message_user(request, str(error), messages.WARNING)
        return request.get_full_path()
    except CannotDo as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return change_url(row)
    text = "The erasure has begun." if began else "Another user has to approve of the erasure now."
    model_admin.message_user(request, text, messages.SUCCESS)
    return change_url(row)


def _previewed(request: HttpRequest, contact: Contact) -> dict[str, Any]:
    found = preview(contact)
    shows_pages = may_see_destinations(request.user)
    return {
        "deleted": _lines(found.deleted),
        "rows": found.rows,
        "cleared": _lines(found.cleared),
        "kept": _lines(found.kept),
        "told": [
            (
                link_to(left.destination) if shows_pages else left.destination.name,
                left,
                ", ".join(
                    f"{Delivery.Kind(kind).label}: {count:,}" for kind, count in left.counts.items()
                ),
            )
            for left in found.told
        ],
    }


def _lines(counts: dict[str, int]) -> list[tuple[str, int]]:
    """The tables of a preview, those with most rows first."""
    return sorted(
        ((capfirst(name), count) for name, count in counts.items()),
        key=lambda line: (-line[1], line[0]),
    )
