"""Where tracked sites are found."""

from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of
from crosssite.admin.permissions import may_see_tracked_sites
from crosssite.models import TrackedSite

register_item(
    SidebarItem(
        group="Settings",
        position=30,
        title="Tracked sites",
        icon="travel_explore",
        view="admin:crosssite_trackedsite_changelist",
        may_see=may_see_tracked_sites,
    )
)
register_findable(
    Findable(
        title="Tracked sites",
        icon="travel_explore",
        position=60,
        may_see=may_see_tracked_sites,
        find=rows_of(TrackedSite, "name", "code_name", "url", note="url"),
        more_url=list_of(TrackedSite),
    )
)
