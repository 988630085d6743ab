"""Where imports are found: in the sidebar, above the list of contacts, and in timelines."""

from django.urls import reverse

from adminsite.formatting import change_url
from adminsite.navigation import ListLink, SidebarItem, register_item, register_list_link
from contacts.models import Contact
from exchange.admin.permissions import may_import, may_see_imports
from exchange.models import Import
from groups.admin.causes import register_cause
from groups.models import MembershipEvent

_UPLOAD = "admin:exchange_import_upload"

register_item(
    SidebarItem(
        group="People",
        position=80,
        title="Imports",
        icon="upload_file",
        view="admin:exchange_import_changelist",
        may_see=may_see_imports,
    )
)
register_list_link(
    Import, ListLink("Import a file", "upload_file", may_import, lambda _: reverse(_UPLOAD))
)
register_list_link(
    Contact, ListLink("Import", "upload_file", may_import, lambda _: reverse(_UPLOAD))
)
register_cause(
    MembershipEvent.Cause.IMPORT,
    may_see_imports,
    lambda event: change_url(Import(pk=event.cause_id)),
)
