"""Where automations are found."""

from adminsite.navigation import SidebarItem, register_item
from adminsite.palette import Findable, list_of, register_findable, rows_of
from automations.admin.permissions import may_see_automations, may_see_runs, may_see_templates
from automations.models import Automation, Template

_GROUP = "Automations"

register_item(
    SidebarItem(
        group=_GROUP,
        position=10,
        title="Automations",
        icon="account_tree",
        view="admin:automations_automation_changelist",
        may_see=may_see_automations,
    )
)
register_item(
    SidebarItem(
        group=_GROUP,
        position=15,
        title="Who is where",
        icon="directions_walk",
        view="admin:automations_run_changelist",
        may_see=may_see_runs,
    )
)
register_findable(
    Findable(
        title="Automations",
        icon="account_tree",
        position=30,
        may_see=may_see_automations,
        find=rows_of(Automation, "name", "code_name", note="code_name"),
        more_url=list_of(Automation),
    )
)
register_findable(
    Findable(
        title="Templates",
        icon="mail",
        position=40,
        may_see=may_see_templates,
        find=rows_of(Template, "name", "code_name", note="code_name"),
        more_url=list_of(Template),
    )
)
