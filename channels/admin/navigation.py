"""Where channels are found."""

from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of
from channels.admin.permissions import may_see_channels, may_see_keys
from channels.models import ApiKey, Channel

register_item(
    SidebarItem(
        group="Settings",
        position=10,
        title="Channels",
        icon="hub",
        view="admin:channels_channel_changelist",
        may_see=may_see_channels,
    )
)
register_item(
    SidebarItem(
        group="Settings",
        position=15,
        title="API keys",
        icon="key",
        view="admin:channels_apikey_changelist",
        may_see=may_see_keys,
        # Keys that end soon while a sender still uses them.
        urgent=lambda: ApiKey.objects.ending_in_use().count(),
    )
)
register_findable(
    Findable(
        title="Channels",
        icon="hub",
        position=70,
        may_see=may_see_channels,
        find=rows_of(Channel, "name", "code_name", "domain", note="domain"),
        more_url=list_of(Channel),
    )
)
