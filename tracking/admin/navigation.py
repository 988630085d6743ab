"""Where “Settings, Tracking” is found, and how other systems are understood."""

from adminsite.navigation import SidebarItem, register_item
from channels.admin.permissions import may_see_channels

register_item(
    SidebarItem(
        group="Settings",
        position=20,
        title="Tracking",
        icon="webhook",
        view="tracking_settings:index",
        may_see=may_see_channels,
    )
)
