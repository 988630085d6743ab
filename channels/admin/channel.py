"""Channels: where contacts are met."""

from collections.abc import Callable

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from adminsite.careful import CarefulAdmin
from adminsite.columns import Badge, Code, Column
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import link
from adminsite.options import EmptyState
from adminsite.stale import SeenValuesForm
from channels.admin.key import ApiKeyInline
from channels.admin.new_key import new_key_page
from channels.admin.permissions import may_add_keys
from channels.models import Channel, CookieLevel
from channels.origins import OriginsField


class ChannelForm(SeenValuesForm):
    """A channel, with a domain only if it is a website."""

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("kind") == Channel.Kind.HEADLESS:
            # The field is hidden, but may still hold what was typed before the kind was chosen.
            cleaned["domain"] = ""
        return cleaned


_pages_of_keys: list[Callable[[Channel], str]] = []


def register_page_of_keys(url_of: Callable[[Channel], str]) -> None:
    """Lead from the identifiers of a channel to the page that has the keys belonging to them."""
    _pages_of_keys.append(url_of)


class _WithPageOfKey(Code):
    """An identifier, with links to the pages that have the key belonging to it."""

    def __call__(self, channel: Channel) -> SafeString:
        text = "Its key, lines to try, and how to change it"
        links = [link(url_of(channel), text) for url_of in _pages_of_keys]
        lines = ((line,) for line in (super().__call__(channel), *links))
        return format_html_join(mark_safe("<br>"), "{}", lines)


_KINDS = {Channel.Kind.WEBSITE: ("Website", "info"), Channel.Kind.HEADLESS: ("Headless", "primary")}
_GUID = Code("guid", "Channel identifier for Tracking API")
_ACCOUNT_ID = _WithPageOfKey("account_id", "Account ID (actid)")
_SITE_ID = _WithPageOfKey("site_id", "Site ID (tc_s)")

_COOKIE_LEVELS = (
    "The cookie level of a browser says how much a website may keep in it: nothing (None, System), "
    "what the website cannot do without (Essential), what editors set (Editor), what recognises a "
    "visitor (Visitor), or everything (All). Visitors are tracked from Visitor on."
)


@admin.register(Channel)
class ChannelAdmin(CarefulAdmin, ExplainedDeletionAdmin):
    form = ChannelForm
    formfield_overrides = {OriginsField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})}}
    list_display = (
        "name",
        "code_name",
        Badge("kind", labels=_KINDS, ordering="kind"),
        Column("domain", ordering="domain"),
        "tracking_consent",
        Column("key_count", "Enabled API keys", ordering="key_count"),
    )
    list_filter = (("kind", ChoicesRadioFilter),)
    list_select_related = ("tracking_consent",)
    ordering = ("name",)
    search_fields = ("name", "code_name", "domain")
    search_help_text = "Name, code name or domain"
    prepopulated_fields = {"code_name": ("name",)}
    _website_fields = ("agree_cookie_level", "default_cookie_level", "honours_opt_out_signals")
    conditional_fields = dict.fromkeys(("domain", *_website_fields), "kind == 'website'")
    readonly_fields = (_GUID, _ACCOUNT_ID, _SITE_ID)
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
            {"fields": (_ACCOUNT_ID, "event_tracking_enabled")},
        ),
        ("Events in Commanders Act format", {"fields": (_SITE_ID, "source_enabled")}),
        ("Names of events in these formats", {"fields": ("accepts_new_event_names",)}),
    )

    def get_fieldsets(self, request, obj=None):
        identifier = (_GUID,) if obj else ()
        return (
            (None, {"fields": (*identifier, "name", "code_name", "kind", "domain")}),
            (
                "Consent",
                {
                    "fields": (*self._consent_fields, *self._website_fields),
                    "description": _COOKIE_LEVELS,
                },
            ),
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
        return may_add_keys(request.user) and self.has_view_permission(request)

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
