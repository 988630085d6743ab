"""Making and rotating API keys: the one moment when the text of a key is shown."""

import re
from datetime import datetime, timedelta

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import date as format_date
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from adminsite.formatting import change_url, changelist_url
from channels.keys import CannotRotate, create_api_key, rotate_api_key
from channels.models import ApiKey, Channel
from web.doors import access_choices, access_type

_DAY_IN_NAME = re.compile(r", \d{1,2} \w{3} \d{4}$")
_NAME_LENGTH = ApiKey._meta.get_field("name").max_length or 0
# How long a rotated key stays valid, as users choose it; "" is a time of their own.
_OVERLAPS = {
    "0": "At once: the old key may have been stolen",
    "1": "In 1 day",
    "14": "In 14 days",
    "": "At the time below",
}


def _moment_field(label: str, help_text: str) -> forms.SplitDateTimeField:
    return forms.SplitDateTimeField(
        label=label,
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=help_text,
    )


def _still_to_come(at: datetime | None) -> datetime | None:
    if at is not None and at <= timezone.now():
        raise ValidationError("This time is over already.")
    return at


class KeyForm(forms.Form):
    """What is asked about every key."""

    name = forms.CharField(
        max_length=_NAME_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "iOS app", "autofocus": True}),
        help_text="Who will use this key.",
    )
    expires_at = _moment_field(
        "Expires", "The key is refused from then on. Leave it empty for a key that never expires."
    )

    def clean_expires_at(self):
        return _still_to_come(self.cleaned_data["expires_at"])


class NewKeyForm(KeyForm):
    """What is asked about a new key."""

    access = forms.ChoiceField(
        label="Access type",
        choices=access_choices,
        widget=UnfoldAdminSelectWidget,
        help_text="What the key opens. It cannot be changed later.",
    )
    field_order = ("channel", "name", "access", "expires_at")


class NewKeyOfAnyChannelForm(NewKeyForm):
    """The same, with the channel."""

    channel = forms.ModelChoiceField(
        Channel.objects.order_by("name"),
        widget=UnfoldAdminSelectWidget,
        help_text="Whom the key reports for.",
    )


class RotationForm(KeyForm):
    """What is asked about a key that replaces another one."""

    ends = forms.ChoiceField(
        label="The old key ends",
        choices=tuple(_OVERLAPS.items()),
        initial="14",
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="Until then both keys are valid, so no sender has to be changed at an instant.",
    )
    ends_at = _moment_field("Ends at", "Only for “At the time below”.")
    field_order = ("name", "ends", "ends_at", "expires_at")

    def clean_ends_at(self):
        is_chosen = self.data.get("ends", "") == ""
        return _still_to_come(self.cleaned_data["ends_at"]) if is_chosen else None

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        chosen = cleaned.get("ends")
        if chosen:
            cleaned["ends_at"] = timezone.now() + timedelta(days=int(chosen))
        elif chosen == "" and cleaned.get("ends_at") is None and "ends_at" not in self.errors:
            self.add_error("ends_at", "Choose a time, or one of the periods above.")
        return cleaned


def new_key_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, channel: Channel | None = None
) -> HttpResponse:
    """Ask about a new key, of `channel` or of one that the user chooses, and show it once."""
    form_class = NewKeyForm if channel else NewKeyOfAnyChannelForm
    form = form_class(request.POST or None, initial={"access": request.GET.get("access")})
    context = {
        "title": "New API key",
        "heading": f"A new key for {channel}" if channel else "A new key",
        "button_text": "Create the key",
        "back_url": change_url(channel) if channel else changelist_url(ApiKey),
        "form": form,
    }
    if form.is_valid():
        given = {**form.cleaned_data}
        of = channel or given["channel"]
        given.pop("channel", None)
        key, text = create_api_key(of, **given)
        model_admin.log_change(request, of if channel else key, f"Created the API key “{key}”.")
        context |= _shown_once(request, key, text)
    return _page(model_admin, request, context)


def rotation_page(model_admin: admin.ModelAdmin, request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Ask how to rotate `key`, and show the key that replaces it once."""
    form = RotationForm(request.POST or None, initial={"name": _name_of_next(key)})
    context = {
        "title": "Rotate the API key",
        "heading": f"A new key in the place of “{key}”",
        "explanation": (
            f"The new key has the access type and the channel of the old one: "
            f"{key.get_access_display()}, {key.channel}. Nobody can show the text of the old one."
        ),
        "button_text": "Create the new key",
        "back_url": change_url(key),
        "form": form,
    }
    if not form.is_valid():
        return _page(model_admin, request, context)
    try:
        new, text = rotate_api_key(key, **_without(form.cleaned_data, "ends"))
    except CannotRotate as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(change_url(key))
    key.refresh_from_db()
    until = f"valid until {timezone.localtime(key.expires_at):%d %b %Y %H:%M}"
    model_admin.log_change(request, key, f"Rotated: replaced by “{new}”, {until}.")
    context |= {"old_key": key, "back_url": change_url(new), **_shown_once(request, new, text)}
    return _page(model_admin, request, context)


def _name_of_next(key: ApiKey) -> str:
    """The name of a key with the day from which there is another; two keys would have one name."""
    today = format_date(timezone.localdate(), "j M Y")
    return f"{_DAY_IN_NAME.sub('', key.name)[: _NAME_LENGTH - len(today) - 2]}, {today}"


def _without(given: dict, name: str) -> dict:
    return {one: value for one, value in given.items() if one != name}


def _shown_once(request: HttpRequest, key: ApiKey, text: str) -> dict[str, object]:
    """The text of a new key, and lines to try it with, if its door has some."""
    shown: dict[str, object] = {"key": key, "key_text": text}
    access = access_type(key.access)
    if access is None or access.example is None:
        return shown
    hub = request.build_absolute_uri("/").rstrip("/")
    example = access.example(hub, text, key.channel)
    return {**shown, "example": example, "example_note": access.example_note}


def _page(
    model_admin: admin.ModelAdmin, request: HttpRequest, context: dict[str, object]
) -> HttpResponse:
    form = context["form"]
    assert isinstance(form, forms.Form)
    given = {
        **model_admin.admin_site.each_context(request),
        "media": model_admin.media + form.media,
        **context,
    }
    response = TemplateResponse(request, "admin/channels/channel/new_key.html", given)
    response.headers["Cache-Control"] = "no-store"
    return response
