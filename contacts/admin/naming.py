"""Pages that name contacts, as those see them who may not see contacts."""

from dataclasses import replace

from django.http import HttpRequest

from adminsite.options import HubAdmin
from contacts.admin.snapshots import FieldRow
from contacts.models import Contact

_HIDDEN = "Hidden"


def may_see_contacts(request: HttpRequest) -> bool:
    """Whether this user may know who the contacts are."""
    return request.user.has_perm("contacts.view_contact")


class NamingAdmin(HubAdmin):
    """Pages whose columns that name contacts have a counterpart that gives GUIDs only."""

    # Which column replaces which.
    instead_of_names: dict[str, str] = {}
    # What of a row are contacts that its own name is made of.
    names_contacts: tuple[str, ...] = ()

    def get_list_display(self, request):
        return self._without_names(request, super().get_list_display(request))

    def get_fieldsets(self, request, obj=None):
        return [
            (title, {**options, "fields": self._without_names(request, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None and self.names_contacts and not may_see_contacts(request):
            for name in self.names_contacts:
                setattr(obj, name, _nameless(getattr(obj, name)))
            context["subtitle"] = str(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _without_names(self, request: HttpRequest, columns) -> tuple:
        if may_see_contacts(request):
            return tuple(columns)
        return tuple(self.instead_of_names.get(name, name) for name in columns)


def hide_values(rows: list[FieldRow]) -> list[FieldRow]:
    """The same fields, saying only which of them have values."""
    return [
        replace(
            row,
            survivor=row.survivor and _HIDDEN,
            loser=row.loser and _HIDDEN,
            result=row.result and _HIDDEN,
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
