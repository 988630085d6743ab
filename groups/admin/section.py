"""The tab “Groups” of a contact's page: which groups it is in, since when, and why."""

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.urls import reverse

from adminsite.formatting import EMPTY
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.models import Contact
from groups.admin.permissions import may_change_groups, may_see_groups
from groups.models import ContactGroup, Membership

# So many groups that the contact is not in are offered; the list of groups has them all.
_MOST_OTHERS = 50


def _groups_section(request: HttpRequest, contact: Contact) -> SectionContent:
    with_members = ContactGroup.objects.with_members()
    memberships = list(
        Membership.objects.filter(contact=contact, group__in=with_members)
        .select_related("group")
        .order_by(Lower("group__name"), "group_id")
    )
    others: QuerySet[ContactGroup] = with_members.exclude(
        pk__in=[membership.group_id for membership in memberships]
    ).order_by(Lower("name"), "pk")
    others_shown = list(others[: _MOST_OTHERS + 1]) if contact.merged_into_id is None else []
    may_change = may_change_groups(request.user) and contact.merged_into_id is None
    return SectionContent(
        context={
            "memberships": [
                (
                    membership,
                    _why_url(membership.group, contact),
                    _members_url(membership.group) if may_change else "",
                )
                for membership in memberships
            ],
            "others": [
                (group, _why_url(group, contact), _members_url(group) if may_change else "")
                for group in others_shown[:_MOST_OTHERS]
            ],
            "is_cut": len(others_shown) > _MOST_OTHERS,
            "contact": contact,
        },
        count=count_text(len(memberships)),
        facts=[
            (
                "Contact groups",
                ", ".join(membership.group.name for membership in memberships) or EMPTY,
            )
        ],
    )


def _why_url(group: ContactGroup, contact: Contact) -> str:
    if group.static:
        return ""
    return reverse("admin:groups_contactgroup_why", args=[group.pk, contact.pk])


def _members_url(group: ContactGroup) -> str:
    """Where a user adds contacts to a static group, and removes them."""
    return reverse("admin:groups_contactgroup_members", args=[group.pk]) if group.static else ""


register_section(
    ContactSection(
        slug="groups",
        title="Groups",
        position=22,
        may_see=may_see_groups,
        template="groups/sections/groups.html",
        build=_groups_section,
    )
)
