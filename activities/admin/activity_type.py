"""Activity types: what contacts can do."""

import re
from collections import Counter
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Expression, F, QuerySet, Sum, Value, When
from django.db.models.functions import Lower
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesRadioFilter
from unfold.decorators import action

from activities.admin.type_page import page_of
from activities.admin.type_test import may_send_tests, send_test
from activities.counting import count_by_hour
from activities.models import ActivityType, ActivityTypeUse, PropertyRule
from adminsite.columns import Column, Count, Moment
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import badge, change_url, changelist_url
from adminsite.options import EmptyState
from adminsite.searching import as_id
from channels.models import Channel


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


class PropertyRuleFormSet(BaseInlineFormSet):
    """The rules of a type; another user may have added some since the page was opened."""

    def clean(self):
        super().clean()
        shown = [form.instance.pk for form in self.initial_forms]
        others = PropertyRule.objects.filter(activity_type=self.instance.pk).exclude(pk__in=shown)
        names = set(others.values_list("name", flat=True))
        for form in self.forms:
            if form.cleaned_data.get("name") in names:
                form.add_error("name", "Another rule is for this property.")


class PropertyRuleInline(TabularInline):
    model = PropertyRule
    formset = PropertyRuleFormSet
    fields = ("name", "kind", "structure", "required", "format", "is_personal")
    ordering = ("name",)
    extra = 0
    show_title = False
    verbose_name = "rule"
    verbose_name_plural = "Property rules"


def state(activity_type: ActivityType) -> SafeString | str:
    """Whether a type is whitelisted."""
    return badge("Yes", "good") if activity_type.whitelisted else ""


def whitelisting(activity_type: ActivityType) -> SafeString | None:
    """The same, with a button that changes it."""
    if activity_type.is_system:
        return None
    name, text = ("remove", "Remove") if activity_type.whitelisted else ("add", "Whitelist")
    # The form is below the list, which is a form itself.
    given = {"form": "whitelisting", "name": name, "value": str(activity_type.pk)}
    look = {"variant": "default", "size": "xs", "children": text}
    button = render_to_string("unfold/components/button.html", given | look)
    html = '<span class="whitespace-nowrap">{} {}</span>'
    return format_html(html, state(activity_type), button)


def kind(activity_type: ActivityType) -> SafeString:
    """Whose type it is, and whether its activities are conversions."""
    whose = badge("System", "info") if activity_type.is_system else badge("Custom", "primary")
    return format_html("{} {}", whose, badge("Goal", "good")) if activity_type.goal else whose


def use(activity_type: Any) -> str:
    """How many activities of a type there are, and what share of all that is."""
    if not activity_type.used:
        return ""
    share = activity_type.share
    percent = "less than 1 %" if share < 1 else f"{share:.0f} %"
    return f"{activity_type.used:,} ({percent})"


_NAME = Column("name", "Activity type name", ordering=Lower("name"))
_STATE = Column(state, "Whitelisted")
_WHITELISTED = Column(whitelisting, "Whitelisted")


@admin.register(ActivityType)
class ActivityTypeAdmin(ExplainedDeletionAdmin):
    form = ActivityTypeForm
    list_display = (
        _NAME,
        "code_name",
        "enabled",
        Column(kind),
        "door",
        _WHITELISTED,
        Count("recent_count", "Activities in 7 days"),
        Column(use, "Activities in all"),
        Moment("last_seen"),
    )
    list_editable = ("enabled",)
    list_filter = (
        ("enabled", BooleanRadioFilter),
        ("is_system", BooleanRadioFilter),
        ("goal", BooleanRadioFilter),
        ("door", ChoicesRadioFilter),
        ("whitelisted", BooleanRadioFilter),
    )
    list_after_template = "activities/whitelisting.html"
    ordering = ("-is_system", Lower("name"))
    sortable_by = (_NAME, "code_name")
    list_help = (
        "Whitelisting a type offers it in the list of event names of the ActiveCampaign-format "
        "API, at once. Events are logged either way."
    )
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    fieldsets = (
        (None, {"fields": ("name", "code_name", "description", "enabled")}),
        (
            "Conversions",
            {
                "description": (
                    "Each activity of a goal is a conversion, on the dashboard and in automations "
                    "that split. The past counts too: what was done before the type was marked is "
                    "a conversion as well, and ceases to be one as soon as it is unmarked."
                ),
                "fields": ("goal",),
            },
        ),
        (
            "Event specification",
            {
                "description": (
                    "What happens if an application sends other properties than the rules below "
                    "say. A type without rules takes every property as it comes. In the name of a "
                    "property, dots lead into objects (items.product.id); a format is a regular "
                    "expression that the whole text has to match ([A-Z]{2}-[0-9]+)."
                ),
                "fields": ("on_missing", "on_wrong", "on_unspecified"),
            },
        ),
    )
    inlines = (PropertyRuleInline,)
    actions_detail = ("developers",)
    instead_of_deleting = "Disable it instead: what was recorded stays, and nothing is added."
    empty_state = EmptyState(
        icon="category",
        title="No activity types",
        text="Add a type for anything that contacts do and that you want to know about.",
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        total = ActivityTypeUse.objects.aggregate(total=Sum("count"))["total"]
        return queryset.annotate(
            recent_count=_recent_count(),
            used=F("use__count"),
            share=F("use__count") * 100.0 / (total or 1),
            last_seen=F("use__last_at"),
        )

    def get_list_display(self, request: HttpRequest):
        columns = super().get_list_display(request)
        if self.has_change_permission(request):
            return columns
        return tuple(_STATE if column is _WHITELISTED else column for column in columns)

    def get_readonly_fields(self, request, obj=None):
        return ("name", "code_name") if obj is not None and obj.is_system else ()

    def has_delete_permission(self, request, obj=None) -> bool:
        is_system = obj is not None and obj.is_system
        return not is_system and super().has_delete_permission(request, obj)

    def get_urls(self):
        view = require_POST(self.admin_site.admin_view(self.whitelist_view))
        test = require_POST(self.admin_site.admin_view(self.test_view))
        return [
            path("whitelist/", view, name="activities_activitytype_whitelist"),
            path("<path:object_id>/test/", test, name="activities_activitytype_test"),
            *super().get_urls(),
        ]

    @action(
        description="Use and code",
        url_path="developers",
        icon="code",
        permissions=["view"],
    )
    def developers(self, request: HttpRequest, object_id: str):
        """Who sends activities of the type, what needs them, and the code that sends them."""
        activity_type = self.get_object(request, unquote(object_id))
        if activity_type is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        test_url = ""
        if may_send_tests(request.user):
            test_url = reverse("admin:activities_activitytype_test", args=[activity_type.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": activity_type.name,
            "activity_type": activity_type,
            "back_url": change_url(activity_type),
            "test_url": test_url,
            **page_of(request, activity_type),
        }
        return TemplateResponse(request, "activities/types/page.html", context)

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a test of the type over a channel, and show what the door answered."""
        if not (may_send_tests(request.user) and self.has_view_permission(request)):
            raise PermissionDenied
        activity_type = get_object_or_404(ActivityType, pk=as_id(unquote(object_id)))
        channel = get_object_or_404(Channel, pk=as_id(request.POST.get("channel", "")))
        page = reverse("admin:activities_activitytype_developers", args=[activity_type.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": f"A test of {activity_type.name}",
            "back_url": f"{page}?channel={channel.pk}",
            **send_test(request, channel, activity_type.code_name),
        }
        if "tested" in context:
            self.log_change(request, activity_type, f"Sent a test over “{channel}”.")
        return TemplateResponse(request, "adminsite/tested.html", context)

    def whitelist_view(self, request: HttpRequest) -> HttpResponse:
        """Offer an event name from now on, or no more: the buttons of the list."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        is_added = "add" in request.POST
        given = request.POST["add"] if is_added else request.POST.get("remove", "")
        activity_type = get_object_or_404(ActivityType, pk=as_id(given), is_system=False)
        if activity_type.whitelisted != is_added:
            activity_type.whitelisted = is_added
            activity_type.save(update_fields=["whitelisted"])
            done = "whitelisted" if is_added else "not whitelisted any more"
            self.log_change(request, activity_type, f"{done.capitalize()}.")
            self.message_user(request, f"“{activity_type.code_name}” is {done}.")
        return HttpResponseRedirect(changelist_url(ActivityType, request.GET.urlencode()))


def _recent_count() -> Expression:
    now = timezone.now()
    counts: Counter[int] = Counter()
    for one in count_by_hour(now - timedelta(days=7), now):
        counts[one.type_id] += one.number
    cases = [When(pk=type_id, then=Value(count)) for type_id, count in counts.items()]
    return Case(*cases, default=Value(0))
