"""Why a contact is in a group, or is not, now or at a moment of the past."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from activities.admin.permissions import may_see_activities
from activities.models import Activity
from adminsite.formatting import change_url
from adminsite.permissions import AnyUser, May
from consents.admin.permissions import may_see_agreements
from consents.models import ConsentAgreement
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from groups.admin.page import said_of
from groups.admin.permissions import may_see_groups
from groups.explaining import CannotExplain, explain
from groups.models import ContactGroup
from groups.rules import InvalidRule, Leaf
from groups.sentences import phrase

_OF_THE_ANSWER = frozenset({"type", "negate", "holds", "until", "because", "problem"})
# What the field of a page has, to the second.
_FIELD = "%Y-%m-%dT%H:%M:%S"
_HIDDEN = "Something that you may not see"


def why(request: HttpRequest, group: ContactGroup, contact_id: int) -> dict[str, Any]:
    """What the page needs: the rule with what holds for the contact, and what is behind it.

    The query may have the moment as `at`, in the hub's time zone.
    """
    contact = Contact.objects.filter(pk=contact_id).select_related("merged_into").first()
    if contact is None:
        raise Http404("There is no such contact.")
    asked = request.GET.get("at", "").strip()
    at, found, problem = None, None, ""
    try:
        at = _moment(asked) if asked else None
        found = explain(group, contact, at=at)
    except (CannotExplain, InvalidRule) as error:
        problem = str(error)
    return {
        "group": group,
        "contact": contact,
        "sentence": said_of(group),
        "found": found and found | _times(found),
        "tree": found and found["rule"] and _shown(found["rule"], contact, request.user),
        **_settled(group, found, at),
        "at": at,
        "asked": timezone.localtime(at).strftime(_FIELD) if at else asked,
        "problem": problem,
        "why_url": reverse("admin:groups_contactgroup_why", args=[group.pk, contact.pk]),
    }


def _settled(
    group: ContactGroup, found: dict[str, Any] | None, at: datetime | None
) -> dict[str, bool]:
    """Whether the rule may say something else than who is in the group now, and is built."""
    is_built = not ContactGroup.objects.with_due().get(pk=group.pk).is_due
    if found is None or found["by_rule"] is None or at is not None or not group.enabled:
        return {"is_built": is_built, "is_unsettled": False}
    differs = found["member"] != found["by_rule"]
    return {"is_built": is_built, "is_unsettled": differs or not is_built}


def _moment(text: str) -> datetime:
    """A moment as the field of the page has it.

    :raises CannotExplain: if it is none
    """
    try:
        at = parse_datetime(text)
        if at is not None and 1 < at.year < 9999:
            return timezone.make_aware(at) if timezone.is_naive(at) else at
    except ValueError:
        pass
    raise CannotExplain("Write a day and a time, such as 2026-03-01 09:30.")


def _shown(node: dict[str, Any], contact: Contact, user: AnyUser) -> dict[str, Any]:
    """A node of an explained rule as the page shows it, with the nodes inside."""
    said = {"holds": node["holds"], **_times(node)}
    if "conditions" in node:
        parts = [_shown(one, contact, user) for one in node["conditions"]]
        return said | {"match": node["match"], "parts": parts, "is_group": True}
    members = {name: value for name, value in node.items() if name not in _OF_THE_ANSWER}
    return said | {
        "text": phrase(Leaf(node["type"], members, node.get("negate", False))),
        "problem": node.get("problem", ""),
        "because": node["because"] and _evidence(node["because"], contact, user),
    }


def _times(found: dict[str, Any]) -> dict[str, datetime | None]:
    """The times that an explanation has as text."""
    return {
        name: datetime.fromisoformat(found[name]) if found[name] else None
        for name in ("since", "until")
        if name in found
    }


def _evidence(because: dict[str, Any], contact: Contact, user: AnyUser) -> dict[str, Any]:
    """What is behind a condition, with its address; nothing of it if `user` may not see that."""
    may_see, url_of = _pages[because["kind"]]
    if not may_see(user):
        return {"text": _HIDDEN}
    return {
        "text": because["text"],
        "time": datetime.fromisoformat(because["time"]) if because["time"] else None,
        "count": because.get("count") or 0,
        "url": url_of(because["id"], contact),
    }


def register_evidence(kind: str, may_see: May, url_of: Callable[[int, Contact], str]) -> None:
    """Say who may see evidence of this kind, and where a row with this id is."""
    _pages[kind] = (may_see, url_of)


# Who may see what is behind a condition, and where that is.
_pages: dict[str, tuple[May, Callable[[int, Contact], str]]] = {
    "activity": (may_see_activities, lambda pk, contact: change_url(Activity(pk=pk))),
    "agreement": (may_see_agreements, lambda pk, contact: change_url(ConsentAgreement(pk=pk))),
    "contact": (may_see_contacts, lambda pk, contact: change_url(contact)),
    "change": (may_see_contacts, lambda pk, contact: f"{change_url(contact)}#history"),
    "membership": (may_see_groups, lambda pk, contact: f"{change_url(contact)}#groups"),
}
