"""Starting an automation for one contact by hand, and walking one through it as a test."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from adminsite.permissions import user_of
from adminsite.searching import as_id
from automations.admin.actions import Said
from automations.entering import NotEntered, start_or_say
from automations.models import Automation, Run
from automations.steps import InvalidAutomation
from automations.test_run import walk
from contacts.admin.searching import search_contacts
from contacts.models import Contact
from groups.trees import InvalidRule

_FOUND = 10


def search(request: HttpRequest) -> dict[str, Any]:
    """The contacts that the search box leads to."""
    term = request.GET.get("find", "").replace("\0", "").strip()
    if not term:
        return {"term": "", "found": []}
    found = search_contacts(Contact.objects.live(), term).order_by("-pk")
    return {"term": term, "found": list(found[:_FOUND])}


def contact_of(value: str | None) -> Contact | None:
    """The live contact with this id, if there is one."""
    asked = as_id(value or "")
    return None if asked is None else Contact.objects.live().filter(pk=asked).first()


def start_for(request: HttpRequest, automation: Automation) -> tuple[Said, int | None]:
    """Let the chosen contact in; a message and its level, and the id of the run."""
    contact = contact_of(request.POST.get("contact"))
    if contact is None:
        return (messages.ERROR, "There is no such contact any more."), None
    try:
        run = start_or_say(automation, contact, cause=Run.Cause.USER, by=user_of(request))
    except NotEntered as error:
        return (messages.ERROR, f"{contact} does not enter: {error}"), None
    return (messages.SUCCESS, f"{contact} has entered the automation."), run


def walked(automation: Automation, contact: Contact | None) -> dict[str, Any]:
    """The way of a contact through the steps with the time skipped, as a test."""
    if contact is None:
        return {"contact": None}
    try:
        return {"contact": contact, "stops": walk(automation, contact)}
    except (InvalidAutomation, InvalidRule) as error:
        return {"contact": contact, "problem": str(error)}
