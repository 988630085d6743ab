"""Contacts and what they did, as the ActiveCampaign-format API shows them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.http import JsonResponse
from django.utils import timezone

from activities.event_names import event_name_for
from activities.models import Activity, SystemType
from contacts.models import Contact

# What the format calls the visit of a page.
_PAGE_VISIT = "__pagevisit"
_LONGEST_VALUE = 250
# Most of these lead nowhere here, but clients rely on their being there.
_LINKS_OF_A_CONTACT = (
    "bounceLogs",
    "contactAutomations",
    "contactData",
    "contactGoals",
    "contactLists",
    "contactLogs",
    "contactTags",
    "contactDeals",
    "deals",
    "fieldValues",
    "geoIps",
    "notes",
    "organization",
    "plusAppend",
    "trackingLogs",
    "scoreValues",
    "accountContacts",
    "automationEntryCounts",
)
_LINKS_OF_AN_ACTIVITY = ("user", "recipients", "reference", "notes")
# What comes along with a contact, and is not there in the hub.
SIDE_LOADS: dict[str, list] = {
    name: []
    for name in (
        "contactAutomations",
        "contactLists",
        "deals",
        "fieldValues",
        "geoAddresses",
        "geoIps",
    )
}


class Answer(JsonResponse):
    """JSON as the format has it, byte for byte: without spaces."""

    def __init__(self, data: dict[str, Any], **kwargs):
        super().__init__(data, json_dumps_params={"separators": (",", ":")}, **kwargs)


def as_contact(contact: Contact, root: str) -> dict[str, Any]:
    """A contact; `root` is what its links begin with."""
    created_at = contact.created_at.astimezone(UTC)
    return {
        "id": str(contact.pk),
        "email": contact.email,
        "email_empty": not contact.email,
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "phone": contact.mobile_phone,
        "cdate": as_time(contact.created_at),
        "udate": None,
        "created_utc_timestamp": f"{created_at:%Y-%m-%d %H:%M:%S}",
        "hash": contact.guid.hex,
        "deleted": "0",
        "orgid": "0",
        "orgname": contact.company_name,
        "organization": None,
        "links": _links(f"{root}/contacts/{contact.pk}", _LINKS_OF_A_CONTACT),
    }


def as_tracking_log(activity: Activity, root: str) -> dict[str, Any]:
    """An activity as an event; `root` is what its links begin with."""
    digest = hashlib.sha1(f"{activity.pk} {activity.logged_as}".encode(), usedforsecurity=False)
    is_visit = activity.type.code_name == SystemType.PAGE_VISIT
    return {
        "subscriberid": str(activity.contact_id),
        "type": _event_name(activity),
        "value": activity.url[:_LONGEST_VALUE] if is_visit else activity.value,
        "tstamp": as_time(activity.occurred_at),
        "hash": digest.hexdigest(),
        "links": _links(f"{root}/trackingLogs/{activity.pk}", ("contact",)),
        "id": str(activity.pk),
        "contact": str(activity.contact_id),
    }


def as_activity(activity: Activity, root: str) -> dict[str, Any]:
    """An activity as one that refers to its event."""
    return {
        "tstamp": as_time(activity.occurred_at),
        "subscriberid": str(activity.contact_id),
        "reference_type": "TrackingLog",
        "reference_id": str(activity.pk),
        "reference_action": _event_name(activity),
        "jsonData": None,
        "userid": "0",
        "permission": "",
        "referenceModelName": "tracking-log",
        "reference": {"type": "tracking-log", "id": str(activity.pk)},
        "links": _links(f"{root}/activities/{activity.pk}", _LINKS_OF_AN_ACTIVITY),
        "id": str(activity.pk),
        "user": None,
    }


def as_time(moment: datetime) -> str:
    """A time to the second, with the offset of the hub's time zone."""
    return timezone.localtime(moment).isoformat(timespec="seconds")


def _event_name(activity: Activity) -> str:
    if activity.type.code_name == SystemType.PAGE_VISIT:
        return _PAGE_VISIT
    return event_name_for(activity.type)


def _links(address: str, names: tuple[str, ...]) -> dict[str, str]:
    return {name: f"{address}/{name}" for name in names}
