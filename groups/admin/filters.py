"""The filter by group in the lists of contacts, of what they do and say, and of rooms above."""

from typing import ClassVar

from django.contrib.admin import ModelAdmin
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from activities.models import Activity
from adminsite.filters import register_filter
from adminsite.paginator import COUNTED_ROWS
from adminsite.permissions import AnyUser
from consents.models import ConsentAgreement
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact, ContactMerge
from database.lookups import Among
from groups.admin.permissions import may_see_groups
from groups.models import ContactGroup, Membership


class GroupFilter(DropdownFilter):
    """Rows of contacts who are in a group now; `contact` leads from a row to its contact.

    A group that has no members is not offered. The list of one that does not exist is empty, so
    that nobody takes all rows for those of a group that was deleted.
    """

    title = "contact group"
    parameter_name = "group"
    contact: ClassVar[str] = "contact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        groups = ContactGroup.objects.with_members().order_by(Lower("name"), "pk")
        found = list(groups.values_list("pk", "code_name", "name"))
        self._ids = {code_name: pk for pk, code_name, _ in found}
        return [(code_name, name) for _, code_name, name in found]

    def said(self) -> dict[str, str]:
        """The filter in words, with its parameter."""
        code_name = self.value()
        names = dict(self.lookup_choices)
        return {"group": f"in “{names.get(code_name, code_name)}”"} if code_name else {}

    def has_output(self) -> bool:
        return super().has_output() or bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        group_id = self._ids.get(self.value())
        if group_id is None:
            return queryset.none()
        members = Membership.objects.filter(group=group_id, contact=OuterRef(self.contact))
        rows = queryset.filter(Exists(members))
        few = list(rows.order_by().values_list("pk", flat=True)[: COUNTED_ROWS + 1])
        # In the order of the list, PostgreSQL would look for few rows among all others: those of a
        # group who have done nothing for long are the last.
        return queryset.filter(Among("pk", few)) if len(few) <= COUNTED_ROWS else rows


class GroupOfContactFilter(GroupFilter):
    contact = "pk"


class GroupOfSurvivorFilter(GroupFilter):
    contact = "survivor"


def _may_filter(user: AnyUser) -> bool:
    # Which group a row is in tells of the fields that the group's rule names.
    return may_see_groups(user) and may_see_contacts(user)


def filter_by_group(model: type[Model], list_filter: type[GroupFilter] = GroupFilter) -> None:
    """Add the filter to the list of `model`, which needs an index on the contact of its rows."""
    register_filter(model, list_filter, may_see=_may_filter)


filter_by_group(Contact, GroupOfContactFilter)
filter_by_group(ContactMerge, GroupOfSurvivorFilter)
filter_by_group(Activity)
filter_by_group(ConsentAgreement)
