"""The activity log, activity types and the inspector in the admin."""

from activities.admin import timeline  # noqa: F401 -- adds sections to the page of a contact
from activities.admin.activity import ActivityAdmin
from activities.admin.activity_type import ActivityTypeAdmin
from activities.admin.rejected import RejectedActivityAdmin

__all__ = ["ActivityAdmin", "ActivityTypeAdmin", "RejectedActivityAdmin"]
