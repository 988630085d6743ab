"""Where destinations and deliveries are found."""

from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of
from destinations.admin.permissions import may_see_deliveries, may_see_destinations
from destinations.models import Destination

_GROUP = "Destinations"


register_item(
    SidebarItem(
        group=_GROUP,
        position=10,
        title="Destinations",
        icon="outbound",
        view="admin:destinations_destination_changelist",
        may_see=may_see_destinations,
    )
)
register_item(
    SidebarItem(
        group=_GROUP,
        position=20,
        title="Deliveries",
        icon="local_shipping",
        view="admin:destinations_delivery_changelist",
        may_see=may_see_deliveries,
    )
)
register_findable(
    Findable(
        title="Destinations",
        icon="outbound",
        position=90,
        may_see=may_see_destinations,
        find=rows_of(Destination, "name", "code_name", note="code_name"),
        more_url=list_of(Destination),
    )
)
