"""Pages that name contacts, as those see them who may not see contacts."""

from dataclasses import replace

from django.utils.text import capfirst

from adminsite.columns import Code, Link
from adminsite.options import HubAdmin
from contacts.admin.permissions import may_see_contacts
from contacts.admin.snapshots import FieldRow
from contacts.models import Contact

HIDDEN = "Hidden"


class ContactColumn(Link):
    """A link to a contact; its GUID alone for users who may not see contacts."""

    def __init__(self, of: str = "contact", title: str = "") -> None:
        guid = Code(f"{of}.guid", title or capfirst(of))
        super().__init__(of, title, may_see=may_see_contacts, instead=guid)


class NamingAdmin(HubAdmin):
    """Pages of rows whose own name is made of the names of contacts."""

    # What of a row these contacts are.
    names_contacts: tuple[str, ...] = ()

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None and not may_see_contacts(request.user):
            for name in self.names_contacts:
                setattr(obj, name, _nameless(getattr(obj, name)))
            context["subtitle"] = str(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def hide_values(rows: list[FieldRow]) -> list[FieldRow]:
    """The same fields, saying only which of them have values."""
    return [
        replace(
            row,
            survivor=row.survivor and HIDDEN,
            loser=row.loser and HIDDEN,
            result=row.result and HIDDEN,
        )
        for row in rows
    ]


def _nameless(contact: Contact) -> Contact:
    # Never saved: pages of history only show it.
    return Contact(
        pk=contact.pk,
        guid=contact.guid,
        merged_into_id=contact.merged_into_id,
        created_at=contact.created_at,
        last_name=str(contact.guid),
    )
