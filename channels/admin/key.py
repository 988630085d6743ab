"""API keys: their list, a table on their channel, and a page each."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action
from unfold.enums import ActionVariant

from adminsite.columns import Column, Link, Moment
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import badge, change_url, link_to, moment
from adminsite.options import EmptyState
from channels.admin.new_key import new_key_page, rotation_page
from channels.admin.permissions import may_add_keys
from channels.models import ApiKey


def key_name(key: ApiKey) -> SafeString | str:
    """A link to the page of a key."""
    return link_to(key, key.name)


def key_start(key: ApiKey) -> str:
    """What everybody may know of the text of a key."""
    return f"tl_{key.identifier}_…"


def state(key: ApiKey) -> SafeString:
    """Whether a key opens anything now, and whether it will."""
    if key.is_expired:
        return badge("Expired after rotation" if key.replaced_by_id else "Expired", "warning")
    if not key.enabled:
        return badge("Disabled", "neutral")
    if key.ends_in_use:
        return badge("Ends soon, still used", "bad")
    return badge("Rotated, ends", "info") if key.is_ending else badge("Enabled", "good")


def used_from(key: ApiKey) -> str:
    """From where a key was used last: an address or its network, and the website, if it was one."""
    return ", ".join(filter(None, (key.last_used_address, key.last_used_origin)))


def rotation(key: ApiKey) -> SafeString | str:
    """Which key replaced this one, or which it replaced, and whether the old one is still used."""
    if key.replaced_by is not None:
        end = "was refused from then on" if key.is_expired else "is valid until then"
        urgent = " Its sender has to be given the new one before." if key.ends_in_use else ""
        return format_html(
            "Replaced by {}, which was used last: {}. This key ends on {}, and {}.{}",
            link_to(key.replaced_by),
            moment(key.replaced_by.last_used_at) if key.replaced_by.last_used_at else "never",
            moment(key.expires_at),
            end,
            urgent,
        )
    old: ApiKey | None = getattr(key, "replaces", None)
    if old is None:
        return ""
    return format_html(
        "Replaces {}, which ends on {} and was used last: {}",
        link_to(old),
        moment(old.expires_at),
        moment(old.last_used_at) if old.last_used_at else "never",
    )


_NAME = Column(key_name, "Name")
_CHANNEL = Link("channel")
_KEY = Column(key_start, "Key")
_STATE = Column(state)
_LAST_USED = Moment("last_used_at", "Last used", empty="Never")
_USED_FROM = Column(used_from, "Used from")
_ROTATION = Column(rotation)
_EXPIRES = Moment("expires_at", "Expires", empty="Never")
_CREATED = Moment("created_at", "Created")


class ApiKeyInline(TabularInline):
    model = ApiKey
    fields = (_NAME, "access", "enabled", _KEY, _STATE, _EXPIRES, _LAST_USED, _USED_FROM)
    readonly_fields = tuple(name for name in fields if name != "enabled")
    ordering = ("-created_at",)
    extra = 0
    can_delete = False
    show_title = False

    def has_add_permission(self, request: HttpRequest, obj=None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ExplainedDeletionAdmin):
    """All keys, and the page of one."""

    fields = (
        "name",
        "enabled",
        "expires_at",
        _CHANNEL,
        "access",
        _KEY,
        _STATE,
        _ROTATION,
        _LAST_USED,
        _USED_FROM,
        _CREATED,
    )
    readonly_fields = tuple(
        name for name in fields if name not in ("name", "enabled", "expires_at")
    )
    list_display = ("name", _CHANNEL, "access", _STATE, _EXPIRES, _LAST_USED, _USED_FROM)
    list_select_related = ("channel", "replaced_by")
    list_filter = (
        ("channel", RelatedDropdownFilter),
        ("access", ChoicesDropdownFilter),
        ("enabled", BooleanRadioFilter),
    )
    list_help = (
        "When a key was used last is known to the minute. To give a sender a new key, rotate the "
        "old one: both are valid for as long as you choose."
    )
    sortable_by = ()
    ordering = ("-created_at", "-id")
    search_fields = ("name", "identifier")
    search_help_text = "Name, or the part after “tl_”"
    actions_detail = ("rotate",)
    actions_list = ("new_key",)
    empty_state = EmptyState(
        icon="key",
        title="No API keys yet",
        text=(
            "With a key, an app or a server reports what contacts do, or reads what the hub knows. "
            "It belongs to a channel and opens one thing."
        ),
        link_text="Create an API key",
        link_view="admin:channels_apikey_new_key",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request):
        related = ("channel", "replaced_by", "replaces")
        return super().get_queryset(request).select_related(*related)

    def has_new_key_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return may_add_keys(request.user) and self.has_view_permission(request)

    def has_rotate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return may_add_keys(request.user) and self.has_change_permission(request)

    @action(
        description="New API key",
        url_path="new-key",
        icon="key",
        variant=ActionVariant.PRIMARY,
        permissions=["new_key"],
    )
    def new_key(self, request: HttpRequest):
        return new_key_page(self, request)

    @action(
        description="Rotate",
        url_path="rotate",
        icon="autorenew",
        variant=ActionVariant.PRIMARY,
        permissions=["rotate"],
    )
    def rotate(self, request: HttpRequest, object_id: str):
        key = self.get_object(request, object_id)
        if key is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return rotation_page(self, request, key)

    def response_post_save_change(self, request, obj):
        return HttpResponseRedirect(change_url(obj.channel))

    def delete_model(self, request, obj):
        request.channel_of_deleted_key = obj.channel
        super().delete_model(request, obj)

    def response_delete(self, request, obj_display, obj_id):
        super().response_delete(request, obj_display, obj_id)
        return HttpResponseRedirect(change_url(request.channel_of_deleted_key))
