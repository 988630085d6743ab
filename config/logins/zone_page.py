"""The page on which users choose the time zone of the times that they see."""

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from config.logins.sessions import choose_zone, zone_of

# Names of zones that are no places, from before there were places.
_PLACES = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe")
_MORE_PLACES = ("Indian", "Pacific")


class ZoneForm(forms.Form):
    """One of the time zones of places, or that of the hub."""

    zone = forms.ChoiceField(label="Time zone", required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        hub = timezone.get_default_timezone_name()
        self.fields["zone"].choices = [  # type: ignore[attr-defined]
            ("", f"Of the hub: {hub}"),
            ("UTC", "UTC"),
            *((name, name.replace("_", " ")) for name in zones()),
        ]


def zones() -> list[str]:
    """The names of the time zones that stand for places, in order."""
    areas = {*_PLACES, *_MORE_PLACES}
    return sorted(one for one in zoneinfo.available_timezones() if one.partition("/")[0] in areas)


def choose_zone_view(request: HttpRequest) -> HttpResponse:
    """Choose the zone of the user who is logged in."""
    zone = zone_of(request)
    form = ZoneForm(request.POST or None, initial={"zone": zone.key if zone else ""})
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)  # the admin lets no other in
        choose_zone(request.user, form.cleaned_data["zone"])
        request.session["time_zone"] = form.cleaned_data["zone"]
        messages.success(request, "Times are now shown in this zone.")
        return redirect("account_time_zone")
    return render(request, "account/time_zone.html", {"form": form})


time_zone = admin.site.admin_view(choose_zone_view)
