"""The activity log, activity types and the inspector in the admin."""

# These add to the dashboard, to the sidebar and to the page of a contact.
from activities.admin import (  # noqa: F401
    contact_list,
    dashboard,
    finding,
    navigation,
    timeline,
)
from activities.admin.activity import ActivityAdmin
from activities.admin.activity_type import ActivityTypeAdmin
from activities.admin.rejected import RejectedActivityAdmin
from activities.admin.repairs import CorrectionAdmin, MappedNameAdmin, ReplayAdmin

__all__ = [
    "ActivityAdmin",
    "ActivityTypeAdmin",
    "CorrectionAdmin",
    "MappedNameAdmin",
    "RejectedActivityAdmin",
    "ReplayAdmin",
]
