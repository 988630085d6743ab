"""Where contact groups are found."""

from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of
from groups.admin.permissions import may_see_groups
from groups.models import ContactGroup

register_item(
    SidebarItem(
        group="People",
        position=15,
        title="Contact groups",
        icon="groups",
        view="admin:groups_contactgroup_changelist",
        may_see=may_see_groups,
    )
)
register_findable(
    Findable(
        title="Contact groups",
        icon="groups",
        position=20,
        may_see=may_see_groups,
        find=rows_of(ContactGroup, "name", "code_name", note="code_name"),
        more_url=list_of(ContactGroup),
    )
)
