"""Channels: where contacts are met."""

from collections.abc import Callable

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import EMPTY, badge, copyable, link
from adminsite.options import EmptyState
from channels.admin.key import ApiKeyInline, new_key_page
from channels.models import Channel, CookieLevel
from channels.origins import OriginsField


class ChannelForm(forms.ModelForm):
    """A channel, with a domain only if it is a website."""

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("kind") == Channel.Kind.HEADLESS:
            # The field is hidden, but may still hold what was typed before the kind was chosen.
            cleaned["domain"] = ""
        return cleaned


@admin.register(Channel)
class ChannelAdmin(ExplainedDeletionAdmin):
    form = ChannelForm
    formfield_overrides = {OriginsField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})}}
    list_display = (
        "name",
        "code_name",
        "shown_kind",
        "shown_domain",
        "tracking_consent",
        "shown_keys",
    )
    list_filter = (("kind", ChoicesRadioFilter),)
    list_select_related = ("tracking_consent",)
    ordering = ("name",)
    search_fields = ("name", "code_name", "domain")
    search_help_text = "Name, code name or domain"
    prepopulated_fields = {"code_name": ("name",)}
    _website_fields = ("agree_cookie_level", "default_cookie_level", "honours_opt_out_signals")
    conditional_fields = dict.fromkeys(("domain", *_website_fields), "kind == 'website'")
    readonly_fields = ("shown_guid", "shown_account_id", "shown_site_id")
    inlines = (ApiKeyInline,)
    actions_detail = ("new_key",)
    instead_of_deleting = (
        "What was recorded stays. To stop it from receiving activities, disable its API keys."
    )
    empty_state = EmptyState(
        icon="hub",
        title="No channels yet",
        text=(
            "A channel is a website, an app or a server that reports what contacts do. "
            "Create one, then make an API key for it."
        ),
    )
    _consent_fields = ("tracking_consent", "enforce_consent")

    # What a new channel gets by itself.
    _formats = (
        (
            "Events in ActiveCampaign format",
            {"fields": ("shown_account_id", "event_tracking_enabled")},
        ),
        ("Events in Commanders Act format", {"fields": ("shown_site_id", "source_enabled")}),
        ("Names of events in these formats", {"fields": ("accepts_new_event_names",)}),
    )

    def get_fieldsets(self, request, obj=None):
        identifier = ("shown_guid",) if obj else ()
        return (
            (None, {"fields": (*identifier, "name", "code_name", "kind", "domain")}),
            ("Consent", {"fields": (*self._consent_fields, *self._website_fields)}),
            ("Calls from browsers", {"fields": ("allowed_origins",)}),
            *(self._formats if obj else ()),
        )

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        if db_field.name == "agree_cookie_level":
            # Below this level nobody is tracked, so it would be no agreement.
            levels = [level for level in CookieLevel if level >= CookieLevel.VISITOR]
            kwargs["choices"] = [(level.value, level.label) for level in levels]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_inlines(self, request, obj):
        return self.inlines if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tracking_consent")

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        enabled = Count("api_keys", filter=Q(api_keys__enabled=True))
        return queryset.annotate(key_count=enabled)

    def save_model(self, request, obj, form, change):
        # Only what was edited: keys may have been replaced, and switches thrown, in the meantime.
        # The form itself empties the domain of what is no website any more.
        obj.save(update_fields={*form.changed_data, "domain"} if change else None)

    def has_new_key_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        may_add = request.user.has_perm("channels.add_apikey")
        return may_add and self.has_view_permission(request)

    @action(
        description="New API key",
        url_path="new-key",
        icon="key",
        variant=ActionVariant.PRIMARY,
        permissions=["new_key"],
    )
    def new_key(self, request: HttpRequest, object_id: str):
        channel = self.get_object(request, unquote(object_id))
        if channel is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return new_key_page(self, request, channel)

    @display(description="Channel identifier for Tracking API")
    def shown_guid(self, channel):
        return copyable(channel.guid)

    @display(description="Account ID (actid)")
    def shown_account_id(self, channel):
        return _with_page_of_key(channel, channel.account_id)

    @display(description="Site ID (tc_s)")
    def shown_site_id(self, channel):
        return _with_page_of_key(channel, channel.site_id)

    @display(description="Kind", ordering="kind")
    def shown_kind(self, channel):
        is_website = channel.kind == Channel.Kind.WEBSITE
        return badge("Website", "info") if is_website else badge("Headless", "primary")

    @display(description="Domain", ordering="domain")
    def shown_domain(self, channel):
        return channel.domain or EMPTY

    @display(description="Enabled API keys", ordering="key_count")
    def shown_keys(self, channel):
        return channel.key_count


_pages_of_keys: list[Callable[[Channel], str]] = []


def register_page_of_keys(url_of: Callable[[Channel], str]) -> None:
    """Lead from the identifiers of a channel to the page that has the keys belonging to them."""
    _pages_of_keys.append(url_of)


def _with_page_of_key(channel: Channel, identifier: str) -> SafeString:
    text = "Its key, lines to try, and how to change it"
    lines = [copyable(identifier), *(link(url_of(channel), text) for url_of in _pages_of_keys)]
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))
