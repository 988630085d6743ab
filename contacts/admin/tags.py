"""Tags: their list, and the filter by tag in the list of contacts."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Func, IntegerField, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from adminsite.columns import Column, Moment
from adminsite.counting import COUNTED, say_count
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.filters import register_filter
from adminsite.formatting import changelist_url, link
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState
from adminsite.paginator import COUNTED_ROWS
from contacts.admin.permissions import may_see_contacts, may_see_tags
from contacts.annotating import CannotAnnotate, clean_tag_name
from contacts.annotations import ContactTag, Tag
from contacts.models import Contact
from database.lookups import Among


class TagForm(ModelForm):
    """The name of a tag, as `annotating.py` cleans it."""

    def clean_name(self) -> str:
        try:
            return clean_tag_name(self.cleaned_data["name"])
        except CannotAnnotate as error:
            self.add_error("name", str(error))
            return ""


def contacts_with_it(tag: Any) -> object:
    """How many contacts have a tag, with a link to them."""
    count = say_count(tag.contact_count, COUNTED)
    return link(changelist_url(Contact, f"tag={tag.pk}"), count)


@admin.register(Tag)
class TagAdmin(ExplainedDeletionAdmin):
    form = TagForm
    fields = ("name",)
    list_display = (
        "name",
        Column(contacts_with_it, "Contacts"),
        Moment("created_at", "Created"),
    )
    ordering = (Lower("name"), "pk")
    sortable_by = ()
    search_fields = ("name",)
    search_help_text = "Name"
    empty_state = EmptyState(
        icon="sell",
        title="No tags yet",
        text="Users give contacts tags, such as “VIP”, on the page of a contact.",
        link_text="Go to the contacts",
        link_view="admin:contacts_contact_changelist",
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows = ContactTag.objects.filter(tag=OuterRef("pk")).values("contact")
        some = ArraySubquery(rows.distinct()[: COUNTED + 1])
        count = Func(some, function="cardinality", output_field=IntegerField())
        return queryset.annotate(contact_count=count)


class TagFilter(DropdownFilter):
    """Contacts with a tag. The list of a tag that does not exist is empty."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        tags = Tag.objects.order_by(Lower("name"), "pk").values_list("pk", "name")
        self._known = {str(pk): pk for pk, _ in tags}
        return [(str(pk), name) for pk, name in tags]

    def has_output(self) -> bool:
        return super().has_output() or bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        tag_id = self._known.get(self.value())
        if tag_id is None:
            return queryset.none()
        rows = queryset.filter(
            Exists(ContactTag.objects.filter(tag=tag_id, contact=OuterRef("pk")))
        )
        few = list(rows.order_by().values_list("pk", flat=True)[: COUNTED_ROWS + 1])
        # In the order of the list, PostgreSQL would look for few rows among all others.
        return queryset.filter(Among("pk", few)) if len(few) <= COUNTED_ROWS else rows


register_filter(Contact, TagFilter, may_see=may_see_contacts)
register_item(
    SidebarItem(
        group="People",
        position=15,
        title="Tags",
        icon="sell",
        view="admin:contacts_tag_changelist",
        may_see=may_see_tags,
    )
)
