"""The sidebar of the admin, in the words of its users."""

from django.http import HttpRequest
from django.urls import reverse

from contacts.admin.merge import merges_needing_decision

# (title, icon, name of the page, permission to see it)
_GROUPS = {
    "": [("Dashboard", "space_dashboard", "admin:index", "")],
    "People": [
        ("Contacts", "group", "admin:contacts_contact_changelist", "contacts.view_contact"),
        ("Merges", "merge", "admin:contacts_contactmerge_changelist", "contacts.view_contactmerge"),
    ],
    "Activity": [
        (
            "Activity log",
            "timeline",
            "admin:activities_activity_changelist",
            "activities.view_activity",
        ),
        (
            "Activity types",
            "category",
            "admin:activities_activitytype_changelist",
            "activities.view_activitytype",
        ),
        (
            "Inspector",
            "troubleshoot",
            "admin:activities_rejectedactivity_changelist",
            "activities.view_rejectedactivity",
        ),
    ],
    "Consents": [
        ("Consents", "verified_user", "admin:consents_consent_changelist", "consents.view_consent"),
        (
            "Agreements",
            "how_to_reg",
            "admin:consents_consentagreement_changelist",
            "consents.view_consentagreement",
        ),
    ],
    "Settings": [
        ("Channels", "hub", "admin:channels_channel_changelist", "channels.view_channel"),
        ("Tracking", "webhook", "tracking_settings:index", "channels.view_channel"),
        (
            "Tracked sites",
            "travel_explore",
            "admin:crosssite_trackedsite_changelist",
            "crosssite.view_trackedsite",
        ),
        (
            "User properties",
            "badge",
            "admin:tracking_userproperty_changelist",
            "tracking.view_userproperty",
        ),
        (
            "Consent categories",
            "rule",
            "admin:tracking_consentcategory_changelist",
            "tracking.view_consentcategory",
        ),
        ("Users", "manage_accounts", "admin:auth_user_changelist", "auth.view_user"),
        ("Permission groups", "shield_person", "admin:auth_group_changelist", "auth.view_group"),
    ],
}


def sidebar(request: HttpRequest) -> list[dict]:
    """The groups of the sidebar with what this user may see."""
    return [
        {
            "title": title,
            "items": [_item(request, *item[:3]) for item in items if _may_see(request, item[3])],
        }
        for title, items in _GROUPS.items()
    ]


def _may_see(request: HttpRequest, permission: str) -> bool:
    return not permission or request.user.has_perm(permission)


def _item(request: HttpRequest, title: str, icon: str, view: str) -> dict:
    item = {"title": title, "icon": icon, "link": reverse(view)}
    if view == "admin:contacts_contactmerge_changelist" and (
        count := merges_needing_decision(request)
    ):
        item |= {"badge": count, "badge_variant": "warning"}
    return item


def tabs(request: HttpRequest) -> list[dict]:
    """Tabs above lists."""
    merges = reverse("admin:contacts_contactmerge_changelist")
    return [
        {
            "models": ["contacts.contactmerge"],
            "items": [
                {"title": "All merges", "link": merges},
                {"title": "Needs a decision", "link": f"{merges}?status__exact=review"},
                {"title": "Done", "link": f"{merges}?status__exact=done"},
                {"title": "Kept apart", "link": f"{merges}?status__exact=dismissed"},
            ],
        }
    ]
