"""“Settings, Tracking”: what developers of websites and apps copy, for each channel."""

from collections.abc import Callable, Iterable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adminsite.formatting import link
from channels.admin.identifiers import IdentifiersForm
from channels.models import Channel
from tracking.admin.channel_cards import (
    QUALITY_DAYS,
    anchor_of,
    build_cards,
    channel_admin,
    url_of,
)
from web.doors import Card, Secret, Switch, all_doors

_View = Callable[..., HttpResponse]


def _for_changing(view: _View) -> _View:
    """A view of the admin about one channel, for those who may change it."""

    def of_channel(request: HttpRequest, *, channel_id: int, **kwargs) -> HttpResponse:
        if not channel_admin().has_change_permission(request):
            raise PermissionDenied
        return view(request, get_object_or_404(Channel, pk=channel_id), **kwargs)

    return admin.site.admin_view(of_channel)


@require_GET
@admin.site.admin_view
def index(request: HttpRequest) -> HttpResponse:
    """All channels, with their identifiers, keys and switches."""
    if not channel_admin().has_view_permission(request):
        raise PermissionDenied
    context = {
        "cards": build_cards(request, Channel.objects.order_by("name", "pk")),
        "quality_days": QUALITY_DAYS,
        "may_add": channel_admin().has_add_permission(request),
    }
    return _page(request, "index", "Tracking", context)


@require_POST
@_for_changing
def switch(request: HttpRequest, channel: Channel, slug: str) -> HttpResponse:
    """Throw a switch: `on` says which way, so that pressing twice is pressing once."""
    chosen = _find(slug, (card.switch for card in _cards()))
    on = request.POST.get("on") == "1"
    if on != chosen.is_on(channel):
        chosen.turn(channel, on=on)
        text = f"{chosen.name} is {'on' if on else 'off'}"
        channel_admin().log_change(request, channel, f"{text}.")
        messages.success(request, f"{text} for “{channel}”. {chosen.explain(channel)}")
    return HttpResponseRedirect(url_of(channel))


@require_http_methods(["GET", "POST"])
@_for_changing
def replace(request: HttpRequest, channel: Channel, slug: str) -> HttpResponse:
    """Say what a new key stops; a POST makes it."""
    secret = _find(slug, (card.secret for card in _cards()))
    if request.method == "POST":
        secret.rotate(channel)
        channel_admin().log_change(request, channel, f"Replaced the {secret.name}.")
        text = "“{}” has a new {}. Copy it to whatever sends its events."
        messages.success(request, format_html(text, _link_to(channel), secret.name))
        return HttpResponseRedirect(reverse("tracking_settings:index"))
    context = {"channel": channel, "secret": secret, "back_url": url_of(channel)}
    return _page(request, "replace", f"Replace the {secret.name}", context)


@require_http_methods(["GET", "POST"])
@_for_changing
def identifiers(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Ask for the identifiers that websites and apps send already; a POST takes them over."""
    form = IdentifiersForm(request.POST or None, instance=channel)
    if form.is_valid():
        if form.changed_data:
            form.save()
            channel_admin().log_change(request, channel, f"Changed: {form.changed_names}.")
            text = format_html("The identifiers of “{}” were changed.", _link_to(channel))
            messages.success(request, text)
        return HttpResponseRedirect(reverse("tracking_settings:index"))
    context = {"channel": channel, "form": form, "back_url": url_of(channel)}
    return _page(request, "identifiers", "Change the identifiers", context)


def _page(request: HttpRequest, name: str, title: str, context: dict) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"tracking/settings/{name}.html", context)


def _cards() -> list[Card]:
    return [door.card for door in all_doors() if door.card]


def _find[T: (Secret, Switch)](slug: str, those: Iterable[T]) -> T:
    for one in those:
        if one.slug == slug:
            return one
    raise Http404("There is no such key or switch.")


def _link_to(channel: Channel) -> SafeString:
    return link(f"#{anchor_of(channel)}", channel)
