"""Where contacts and their merges are found."""

from django.urls import reverse

from adminsite.navigation import (
    ListLink,
    SidebarItem,
    register_item,
    register_list_link,
    register_tabs,
)
from contacts.admin.permissions import may_see_contacts, may_see_merges
from contacts.models import ContactMerge


def merges_to_decide() -> int:
    """How many merges wait for a person."""
    return ContactMerge.objects.filter(status=ContactMerge.Status.REVIEW).count()


register_item(
    SidebarItem(
        group="People",
        position=10,
        title="Contacts",
        icon="group",
        view="admin:contacts_contact_changelist",
        may_see=may_see_contacts,
    )
)
register_item(
    SidebarItem(
        group="People",
        position=20,
        title="Merges",
        icon="merge",
        view="admin:contacts_contactmerge_changelist",
        may_see=may_see_merges,
        urgent=merges_to_decide,
    )
)
register_list_link(
    ContactMerge,
    ListLink(
        title="Decisions",
        icon="rule",
        may_see=may_see_merges,
        url_of=lambda request: reverse("admin:contacts_contactmerge_decisions"),
    ),
)
register_tabs(
    ContactMerge,
    [
        ("All merges", ""),
        ("Needs a decision", "status__exact=review"),
        ("Done", "status__exact=done"),
        ("Kept apart", "status__exact=dismissed"),
        ("Undone", "status__exact=undone"),
    ],
)
