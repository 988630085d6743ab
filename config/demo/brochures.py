"""The brochures of the demo's bank: who asks for one on its website gets an email with the link.

The server of the website does what a program does in the ActiveCampaign format: it makes sure of
the contact, and sends an event. The email is the automation's.
"""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect

from channels.models import Channel
from config.demo import data
from config.demo.events import NamedEvent, report_named_event
from contacts.changes import Origin
from contacts.editing import InvalidContact, create_or_update_contact
from contacts.models import ContactChange
from crosssite.origins import main_site_url

_ORIGIN = Origin(ContactChange.Source.API)


# The middleware of the demo's websites answers before Django would look at the token.
@csrf_protect
def show_form(
    request: HttpRequest, channel: Channel, template: str, context: dict[str, Any]
) -> HttpResponse:
    """The page with the form; after a request for a brochure, the page that says so."""
    problem = ""
    if request.method == "POST":
        problem = _request_brochure(request, channel)
        if not problem:
            return redirect(f"{data.BROCHURES_PATH}?asked={request.POST['brochure']}")
    context = {
        **context,
        "brochures": data.BROCHURES,
        "asked": data.BROCHURES.get(request.GET.get("asked", "")),
        "given": request.POST,
        "problem": problem,
        # The hub answers on this host as well, but its users are logged in on the other.
        "outbox_url": f"http://localhost:{settings.PORT}/admin/automations/outboxmessage/",
    }
    return render(request, template, context)


def _request_brochure(request: HttpRequest, channel: Channel) -> str:
    """Send the event, and return what is wrong with the form; "" if nothing is."""
    name = request.POST.get("brochure", "")
    if name not in data.BROCHURES:
        return "Choose one of the brochures."
    email = request.POST.get("email", "").strip()
    first_name = request.POST.get("first_name", "").strip()
    if not email:
        return "Enter the email address that the brochure should go to."
    try:
        fields = {"first_name": first_name} if first_name else {}
        create_or_update_contact(email, fields, _ORIGIN)
    except InvalidContact as error:
        return error.detail
    file = f"{main_site_url(channel)}{data.brochure_path(name)}"
    event = NamedEvent(email, data.FILE_REQUEST, file)
    report_named_event(event, channel, now=timezone.now(), request_id=uuid4())
    return ""
