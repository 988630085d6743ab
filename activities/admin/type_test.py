"""Sending a test of an activity type through a door, and showing what the door answered."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from activities.admin.permissions import may_see_activities, may_see_inspector
from activities.models import Activity, RejectedActivity
from adminsite.formatting import changelist_url
from channels.admin.permissions import may_add_keys, may_see_channels
from channels.models import Channel
from contacts.admin.permissions import may_see_contacts
from contacts.guids import parse_guid
from contacts.models import Contact
from contacts.resolving import find_contact
from web.doors import Tested, door_with_test


def may_send_tests(user) -> bool:
    """Whether this user may have an activity recorded as an application would."""
    return may_add_keys(user) and may_see_channels(user)


def send_test(request: HttpRequest, channel: Channel, type_code_name: str) -> dict[str, Any]:
    """What came of a test that is sent now, for `adminsite/tested.html`."""
    door = door_with_test()
    given = request.POST.get("contact", "").strip()
    if given and (problem := _problem_of(given)):
        return {"problem": problem}
    if door is None or door.send_test is None:
        return {"problem": "No door of this hub can send a test."}
    tested = door.send_test(request.get_host().lower(), channel, type_code_name, given)
    return {
        "tested": tested,
        "door": door.title,
        "explanation": "What became of the activity is the status in the answer: 202 is recorded.",
        "links": _links(request, tested),
    }


def _problem_of(given: str) -> str:
    try:
        guid = parse_guid(given)
    except ValueError:
        return "This is no GUID. Leave the contact empty, and the test is about a new one."
    return "" if find_contact(guid) else "There is no contact with this GUID."


def _links(request: HttpRequest, tested: Tested) -> list[tuple[str, str]]:
    query = f"q={tested.request_id}"
    links = []
    if may_see_activities(request.user):
        links.append(("What was recorded", changelist_url(Activity, query)))
    if may_see_inspector(request.user):
        links.append(("What the inspector says", changelist_url(RejectedActivity, query)))
    if may_see_contacts(request.user):
        guid = UUID(tested.contact_guid)
        links.append(("The contact", changelist_url(Contact, f"q={guid}")))
    return links
