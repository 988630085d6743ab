"""API keys: a table on their channel, a page each, and the one moment when their text is shown."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import badge, change_url, link_to, moment
from channels.keys import create_api_key
from channels.models import ApiKey, Channel
from web.doors import access_choices, access_type


class KeyColumns:
    """What tables and pages show of a key besides what can be edited."""

    @display(description="Key")
    def shown_key(self, key):
        return f"tl_{key.identifier}_…"

    @display(description="State")
    def shown_state(self, key):
        if key.is_expired:
            return badge("Expired", "warning")
        return badge("Enabled", "good") if key.enabled else badge("Disabled", "neutral")

    @display(description="Last used")
    def shown_last_used(self, key):
        return moment(key.last_used_at) if key.last_used_at else "Never"

    @display(description="Expires")
    def shown_expires(self, key):
        return moment(key.expires_at) if key.expires_at else "Never"

    @display(description="Created")
    def shown_created(self, key):
        return moment(key.created_at)

    @display(description="Channel")
    def shown_channel(self, key):
        return link_to(key.channel)

    @display(description="Name")
    def shown_name(self, key):
        return link_to(key, key.name)


class ApiKeyInline(KeyColumns, TabularInline):
    model = ApiKey
    fields = (
        "shown_name",
        "access",
        "enabled",
        "shown_key",
        "shown_expires",
        "shown_last_used",
        "shown_created",
    )
    readonly_fields = tuple(name for name in fields if name != "enabled")
    ordering = ("-created_at",)
    extra = 0
    can_delete = False
    show_title = False

    def has_add_permission(self, request: HttpRequest, obj=None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(KeyColumns, ExplainedDeletionAdmin):
    """The page of one key; the lists of keys are those of their channels."""

    fields = (
        "name",
        "enabled",
        "expires_at",
        "shown_channel",
        "access",
        "shown_key",
        "shown_last_used",
        "shown_created",
    )
    readonly_fields = ("shown_channel", "access", "shown_key", "shown_last_used", "shown_created")
    list_display = ("name", "shown_channel", "access", "shown_state", "shown_last_used")
    list_select_related = ("channel",)
    sortable_by = ()
    ordering = ("-created_at", "-id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("channel")

    def response_post_save_change(self, request, obj):
        return HttpResponseRedirect(change_url(obj.channel))

    def delete_model(self, request, obj):
        request.channel_of_deleted_key = obj.channel
        super().delete_model(request, obj)

    def response_delete(self, request, obj_display, obj_id):
        super().response_delete(request, obj_display, obj_id)
        return HttpResponseRedirect(change_url(request.channel_of_deleted_key))


class NewKeyForm(forms.Form):
    """What is asked about a new key."""

    name = forms.CharField(
        max_length=ApiKey._meta.get_field("name").max_length,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "iOS app", "autofocus": True}),
        help_text="Who will use this key.",
    )
    access = forms.ChoiceField(
        label="Access type",
        choices=access_choices,
        widget=UnfoldAdminSelectWidget,
        help_text="What the key opens. It cannot be changed later.",
    )
    expires_at = forms.SplitDateTimeField(
        label="Expires",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="The key is refused from then on. Leave it empty for a key that never expires.",
    )

    def clean_expires_at(self):
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError("This time is over already.")
        return expires_at


def new_key_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, channel: Channel
) -> HttpResponse:
    """Ask about a new key; once it is made, show its text in this one response and nowhere else."""
    form = NewKeyForm(request.POST or None, initial={"access": request.GET.get("access")})
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "New API key",
        "channel": channel,
        "channel_url": change_url(channel),
        "form": form,
        "media": model_admin.media + form.media,
    }
    if form.is_valid():
        key, text = create_api_key(channel, **form.cleaned_data)
        model_admin.log_change(request, channel, f"Created the API key “{key}”.")
        context |= {"key": key, "key_text": text, **_example(request, key, text)}
    response = TemplateResponse(request, "admin/channels/channel/new_key.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _example(request: HttpRequest, key: ApiKey, text: str) -> dict[str, str]:
    """Lines to try the key with, and what they do, if its door has some."""
    access = access_type(key.access)
    if access is None or access.example is None:
        return {}
    hub = request.build_absolute_uri("/").rstrip("/")
    example = access.example(hub, text, key.channel)
    return {"example": example, "example_note": access.example_note}
