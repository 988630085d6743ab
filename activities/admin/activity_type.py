"""Activity types: what contacts can do."""

import re
from datetime import timedelta

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import slugify
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from activities.models import Activity, ActivityType
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import badge, shortened
from adminsite.options import EmptyState

# Counting stops here, so that the list costs the same on a log of any length.
_COUNTED = 10_000


class ActivityTypeForm(forms.ModelForm):
    """A type whose code name may be left to its name."""

    class Media:
        js = ("activities/code_name.js",)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "code_name" in self.fields:
            self.fields["code_name"].required = False
            if self.instance.pk is None:
                self.fields["code_name"].widget.attrs["data-code-name-of"] = "id_name"

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if "code_name" in self.fields and not cleaned.get("code_name", "missing"):
            cleaned["code_name"] = re.sub(r"[\s-]+", "_", slugify(cleaned.get("name", "")))
            if not cleaned["code_name"] and "name" in cleaned:
                self.add_error("code_name", "Write a code name: none can be made from this name.")
        return cleaned


@admin.register(ActivityType)
class ActivityTypeAdmin(ExplainedDeletionAdmin):
    form = ActivityTypeForm
    list_display = (
        "name",
        "code_name",
        "enabled",
        "shown_kind",
        "shown_count",
        "shown_description",
    )
    list_editable = ("enabled",)
    list_filter = (("enabled", BooleanRadioFilter), ("is_system", BooleanRadioFilter))
    ordering = ("-is_system", "name")
    sortable_by = ("name", "code_name")
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    fields = ("name", "code_name", "description", "enabled")
    instead_of_deleting = "Disable it instead: what was recorded stays, and nothing is added."
    empty_state = EmptyState(
        icon="category",
        title="No activity types",
        text="Add a type for anything that contacts do and that you want to know about.",
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.annotate(recent_count=_recent_count())

    def get_readonly_fields(self, request, obj=None):
        return ("name", "code_name") if obj is not None and obj.is_system else ()

    def has_delete_permission(self, request, obj=None) -> bool:
        is_system = obj is not None and obj.is_system
        return not is_system and super().has_delete_permission(request, obj)

    @display(description="Kind")
    def shown_kind(self, activity_type):
        return badge("System", "info") if activity_type.is_system else badge("Custom", "primary")

    @display(description="Activities in 7 days")
    def shown_count(self, activity_type):
        count = activity_type.recent_count
        return f"{count:,}+" if count >= _COUNTED else f"{count:,}"

    @display(description="Description")
    def shown_description(self, activity_type):
        return shortened(activity_type.description)


def _recent_count() -> Coalesce:
    newest = Activity.objects.filter(type=OuterRef(OuterRef("pk"))).order_by("-id")[:_COUNTED]
    recent = Activity.objects.filter(
        pk__in=newest.values("pk"), occurred_at__gte=timezone.now() - timedelta(days=7)
    )
    counted = recent.order_by().values("type").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)
