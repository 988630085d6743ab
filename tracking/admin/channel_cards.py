"""One channel on the page “Settings, Tracking”, as the user who looks at it may see it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from activities.admin.permissions import may_see_activity_types, may_see_inspector
from activities.models import ActivityType, RejectedActivity, SystemType
from activities.problems import Status
from activities.quality import Quality, quality_of
from adminsite.formatting import changelist_url
from channels.admin.channel import ChannelAdmin, register_page_of_keys
from channels.models import ApiKey, Channel
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from web.doors import Card, Door, access_types, all_doors

QUALITY_DAYS = 7
# There may be millions of anonymous contacts after the newest known one.
_LOOKED_AT = 10_000

_WEATHER_ICONS = {
    "sunny": "sunny",
    "cloudy": "cloud",
    "rainy": "rainy",
    "stormy": "thunderstorm",
}

# The keys of each channel and access type.
_Keys = dict[tuple[int, str], list[ApiKey]]


@dataclass(frozen=True)
class FormatCard:
    """The format of one door on one channel. `secret` is empty for those who may not see it."""

    name: str
    format: Card
    channel: Channel
    addresses: list[tuple[str, str]]
    identifier: str
    secret: str
    may_change: bool
    example: str
    links: list[tuple[str, str]]

    @property
    def is_on(self) -> bool:
        return self.format.switch.is_on(self.channel)

    @property
    def switch_text(self) -> str:
        return self.format.switch.explain(self.channel)


@dataclass(frozen=True)
class KeyLine:
    """The usable API keys of one access type."""

    label: str
    address: str
    keys: list[ApiKey]
    new_key_url: str


@dataclass(frozen=True)
class ChannelCard:
    """Everything that the page says about one channel."""

    channel: Channel
    quality: Quality
    formats: list[FormatCard]
    key_lines: list[KeyLine]
    may_change: bool
    code_url: str

    @property
    def anchor(self) -> str:
        return anchor_of(self.channel)

    @property
    def weather_icon(self) -> str:
        return _WEATHER_ICONS.get(self.quality.weather, "")

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many activities there were of each status, by its name."""
        counts = self.quality.counts
        return [(str(status.label), counts[status]) for status in Status if counts.get(status)]


def channel_admin() -> ChannelAdmin:
    """The admin of channels, which knows who may do what with them."""
    found = admin.site.get_model_admin(Channel)
    assert isinstance(found, ChannelAdmin)
    return found


def anchor_of(channel: Channel) -> str:
    """What the place of this channel on the page is called."""
    return f"channel-{channel.pk}"


def url_of(channel: Channel) -> str:
    """Where the page shows this channel."""
    return f"{reverse('tracking_settings:index')}#{anchor_of(channel)}"


register_page_of_keys(url_of)


def build_cards(request: HttpRequest, channels: QuerySet[Channel]) -> list[ChannelCard]:
    """What the page shows of these channels, in a constant number of queries."""
    may_change = channel_admin().has_change_permission(request)
    keys = _usable_keys(request)
    hub = request.build_absolute_uri("/").rstrip("/")
    email = _newest_email(request) or "EMAIL"
    since = timezone.now() - timedelta(days=QUALITY_DAYS)
    code_url = _code_url(request)
    quality = quality_of([channel.pk for channel in channels], since)
    return [
        ChannelCard(
            channel=channel,
            quality=quality[channel.pk],
            formats=[
                _format_card(request, hub, email, channel, door, may_change)
                for door in all_doors()
                if door.card
            ],
            key_lines=_key_lines(request, hub, channel, keys) if keys is not None else [],
            may_change=may_change,
            code_url=code_url and f"{code_url}?channel={channel.pk}",
        )
        for channel in channels
    ]


def _code_url(request: HttpRequest) -> str:
    """Where page visits have their lines of code, and a button that sends a test of one."""
    if not may_see_activity_types(request.user):
        return ""
    page_visit = ActivityType.objects.get(code_name=SystemType.PAGE_VISIT)
    return reverse("admin:activities_activitytype_developers", args=[page_visit.pk])


def _format_card(
    request: HttpRequest, hub: str, email: str, channel: Channel, door: Door, may_change: bool
) -> FormatCard:
    card = door.card
    assert card is not None
    identifier = card.read_identifier(channel)
    secret = card.secret.read(channel) if may_change else ""
    placeholder = card.secret.name.replace(" ", "_").upper()
    links = [(title, reverse(page)) for title, page, may in card.pages if may(request.user)]
    if may_see_inspector(request.user):
        query = f"door={door.name}&channel__id__exact={channel.pk}"
        links.append(("Its lines in the inspector", changelist_url(RejectedActivity, query)))
    return FormatCard(
        name=f"{door.title} format",
        format=card,
        channel=channel,
        addresses=[(f"{hub}{path}", takes) for path, takes in card.addresses],
        identifier=identifier,
        secret=secret,
        may_change=may_change,
        example=card.example(hub, identifier, secret or placeholder, email),
        links=links,
    )


def _newest_email(request: HttpRequest) -> str:
    """The email of one of the newest contacts, if there is one that this user may see."""
    if not may_see_contacts(request.user):
        return ""
    newest = Contact.objects.order_by("-created_at", "-id")[:_LOOKED_AT]
    known = Contact.objects.live().filter(pk__in=newest.values("pk")).exclude(email="")
    return known.order_by("-created_at", "-id").values_list("email", flat=True).first() or ""


def _usable_keys(request: HttpRequest) -> _Keys | None:
    """The keys that open something now, or None if this user may not see keys."""
    if not admin.site.get_model_admin(ApiKey).has_view_permission(request):
        return None
    keys: _Keys = defaultdict(list)
    for key in ApiKey.objects.filter(enabled=True).order_by("name", "pk"):
        if not key.is_expired:
            keys[key.channel_id, key.access].append(key)
    return keys


def _key_lines(request: HttpRequest, hub: str, channel: Channel, keys: _Keys) -> list[KeyLine]:
    new_key_url = ""
    if channel_admin().has_new_key_permission(request):
        new_key_url = reverse("admin:channels_channel_new_key", args=[channel.pk])
    return [
        KeyLine(
            label=access.label,
            address=hub + access.place.format(channel=channel),
            keys=keys[channel.pk, access.value],
            new_key_url=new_key_url and f"{new_key_url}?access={access.value}",
        )
        for access in access_types()
    ]
