"""Finds contacts by the import that made or changed them."""

from collections.abc import Mapping

from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from adminsite.filters import FormFilter, choice_field, register_filter
from adminsite.searching import as_id
from contacts.models import Contact, ContactChange
from exchange.admin.permissions import may_see_imports
from exchange.models import Import
from groups.admin.from_lists import leave_out

_OFFERED = 30


class ImportFilter(FormFilter):
    """Contacts that an import has made or changed."""

    title = "import"
    parameters = ("import",)

    def fields(self) -> Mapping[str, forms.Field]:
        return {"import": choice_field("Made or changed by the import", self._choices())}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not (given := self.given.get("import")):
            return queryset
        number = as_id(given)
        if number is None:
            return queryset.none()
        changes = ContactChange.objects.filter(import_id=number, contact=OuterRef("pk"))
        return queryset.filter(Exists(changes))

    def said(self) -> Mapping[str, str]:
        given = self.given.get("import")
        if not given:
            return {}
        number = as_id(given)
        names = Import.objects.filter(pk__in=[] if number is None else [number])
        name = names.values_list("name", flat=True).first()
        return {"import": f"made or changed by the import of “{name or given}”"}

    def _choices(self) -> list[tuple[str, str]]:
        rows = Import.objects.filter(kind=Import.Kind.CONTACTS, started_at__isnull=False)
        offered = [
            (str(pk), name)
            for pk, name in rows.order_by("-uploaded_at", "-pk").values_list("pk", "name")[
                :_OFFERED
            ]
        ]
        given = self.given.get("import", "")
        # One that is not among the latest stays chosen.
        is_known = not given or given in dict(offered)
        return offered if is_known else [*offered, (given, self.said()["import"])]


register_filter(Contact, ImportFilter, may_see=may_see_imports)
leave_out("import", ImportFilter.title)
