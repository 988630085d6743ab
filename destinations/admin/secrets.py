"""The secret of a webhook: shown in the one answer that has made it, and nowhere else."""

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from adminsite.formatting import change_url
from destinations.models import Destination
from destinations.saving import OVERLAP, rotate_secret

_HOURS = int(OVERLAP.total_seconds() // 3600)


def secret_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, destination: Destination, *, is_new: bool
) -> HttpResponse:
    """Show the secret of a webhook that was made just now."""
    context = _context(model_admin, request, destination, "The secret of the webhook")
    context |= {"secret": destination.secret, "is_new": is_new}
    # No browser keeps it: all pages of the admin say so.
    return TemplateResponse(request, "destinations/secret.html", context)


def rotate_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, destination: Destination
) -> HttpResponse:
    """Ask whether the secret shall be replaced; once it is, show the new one."""
    if request.method != "POST":
        context = _context(model_admin, request, destination, "A new secret")
        return TemplateResponse(request, "destinations/secret.html", context)
    try:
        if request.POST.get("at_once"):
            rotate_secret(destination, overlap=OVERLAP * 0)
        else:
            rotate_secret(destination)
    except ValidationError as error:
        model_admin.message_user(request, " ".join(error.messages), messages.ERROR)
        return HttpResponseRedirect(change_url(destination))
    model_admin.log_change(request, destination, "Replaced the secret.")
    return secret_page(model_admin, request, destination, is_new=False)


def _context(
    model_admin: admin.ModelAdmin, request: HttpRequest, destination: Destination, title: str
) -> dict:
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "destination": destination,
        "back_url": change_url(destination),
        "hours": _HOURS,
        "earlier_until": destination.earlier_secret_until,
    }
