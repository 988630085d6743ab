"""Consent categories: which of them stands for which consent, on which channel."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter

from adminsite.columns import Column, Link, Short
from adminsite.options import EmptyState, HubAdmin
from channels.models import Channel
from consents.admin.permissions import may_see_consents
from consents.models import Consent
from tracking.models import ConsentCategory

_CATEGORY = Short("category", ordering="category")
_CONSENT = Link(
    "consent",
    "Stands for the consent",
    may_see=may_see_consents,
    instead=Column("consent", "Stands for the consent"),
)


@admin.register(ConsentCategory)
class ConsentCategoryAdmin(HubAdmin):
    list_display = (_CATEGORY, Link("channel"), _CONSENT)
    list_help = (
        "For Commanders Act-format events: what a category in “user.consent_categories” agrees "
        "to. A category without a line stays with the activity and changes no agreement."
    )
    list_filter = (("channel", RelatedDropdownFilter), ("consent", RelatedDropdownFilter))
    list_select_related = ("channel", "consent")
    ordering = ("channel__name", "category", "id")
    sortable_by = (_CATEGORY,)
    search_fields = ("category",)
    search_help_text = "Category"
    fields = ("channel", "category", "consent")

    @property
    def empty_state(self) -> EmptyState:  # type: ignore[override]  # nobody sets it
        """What the list says while there are no lines; without a consent, that one is missing."""
        if not Consent.objects.exists():
            return EmptyState(
                icon="rule",
                title="A consent comes first",
                text=(
                    "A category stands for a consent of the hub. Add the consent, then say here "
                    "which category of which channel stands for it."
                ),
                link_text="Add a consent",
                link_view="admin:consents_consent_add",
            )
        if not Channel.objects.exists():
            return EmptyState(
                icon="rule",
                title="A channel comes first",
                text=(
                    "Every channel has categories of its own. Create the channel whose events "
                    "have them, then say here which consent they stand for."
                ),
                link_text="Create a channel",
                link_view="admin:channels_channel_add",
            )
        return EmptyState(
            icon="rule",
            title="No category stands for a consent yet",
            text=(
                "Commanders Act-format events say in “user.consent_categories” what a user agreed "
                "to. Add a line for each category, so that contacts get the agreement; without "
                "one, the category stays with the activity."
            ),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("channel", "consent")
