"""Where the activity log, activity types and the inspector are found."""

from activities.admin.permissions import (
    may_see_activities,
    may_see_activity_types,
    may_see_inspector,
)
from activities.models import ActivityType
from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of

register_item(
    SidebarItem(
        group="Activity",
        position=10,
        title="Activity log",
        icon="timeline",
        view="admin:activities_activity_changelist",
        may_see=may_see_activities,
    )
)
register_item(
    SidebarItem(
        group="Activity",
        position=20,
        title="Activity types",
        icon="category",
        view="admin:activities_activitytype_changelist",
        may_see=may_see_activity_types,
    )
)
register_item(
    SidebarItem(
        group="Activity",
        position=30,
        title="Inspector",
        icon="troubleshoot",
        view="admin:activities_rejectedactivity_causes",
        may_see=may_see_inspector,
    )
)
register_findable(
    Findable(
        title="Activity types",
        icon="category",
        position=50,
        may_see=may_see_activity_types,
        find=rows_of(ActivityType, "name", "code_name", note="code_name"),
        more_url=list_of(ActivityType),
    )
)
