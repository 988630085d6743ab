"""When a contact entered groups and left them, in its timeline."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from adminsite.permissions import AnyUser
from contacts.admin.timeline import Entry, EntryKind, register_entries, searching
from contacts.models import Contact
from groups.admin.causes import cause_of
from groups.admin.permissions import may_see_groups
from groups.models import MembershipEvent


def _events_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    return [contact.membership_events.select_related("group", "by")]


def _entries(contact: Contact, events: list[MembershipEvent], user: AnyUser) -> Iterator[Entry]:
    for event in events:
        yield Entry(
            row=event,
            icon="group_add" if event.entered else "group_remove",
            label="Entered a contact group" if event.entered else "Left a contact group",
            shown={"cause": cause_of(event, user), "why_url": _why_url(event)},
        )


def _why_url(event: MembershipEvent) -> str:
    """The explanation of what was true then; none if the rule was another one."""
    group = event.group
    if group.static or event.at < group.rule_changed_at:
        return ""
    url = reverse("admin:groups_contactgroup_why", args=[group.pk, event.contact_id])
    return f"{url}?{urlencode({'at': event.at.isoformat()})}"


register_entries(
    EntryKind(
        name="groups",
        title="Groups",
        position=35,
        may_see=may_see_groups,
        rows=_events_of,
        at="at",
        describe=_entries,
        template="groups/timeline/membership.html",
        search=searching("group__name"),
    )
)
