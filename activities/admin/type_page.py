"""What developers have to know of an activity type: who sends it, how to, and what needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from activities.admin.permissions import may_see_activities
from activities.admin.uses import Use, uses_of
from activities.counting import count_by_day
from activities.models import Activity, ActivityType, ActivityTypeUse
from activities.type_senders import LOOKED_AT, Sender, senders_of
from adminsite.formatting import changelist_url
from adminsite.searching import as_id
from channels.admin.permissions import may_see_channels
from channels.models import Channel
from web.doors import lines_for

DAYS = 30
_WIDTH, _HEIGHT = 600, 100


@dataclass(frozen=True)
class Bar:
    """The activities of a day, in the units of an SVG in which zero is at the top."""

    day: date
    count: int
    x: float
    y: float
    width: float
    height: float


def page_of(request: HttpRequest, activity_type: ActivityType) -> dict[str, Any]:
    """What the page shows, in a constant number of queries."""
    senders = senders_of(activity_type)
    channels = list(Channel.objects.order_by("name", "pk"))
    channel = chosen_channel(request.GET.get("channel", ""), channels, senders)
    hub = request.build_absolute_uri("/").rstrip("/")
    return {
        "use": ActivityTypeUse.objects.filter(type=activity_type).first(),
        "bars": _bars(activity_type),
        "days": DAYS,
        "senders": senders,
        "may_see_channels": may_see_channels(request.user),
        "looked_at": LOOKED_AT,
        "channels": channels,
        "channel": channel,
        "lines": lines_for(hub, channel, activity_type.code_name) if channel else [],
        "uses": [*_own_uses(activity_type), *uses_of(activity_type, request.user)],
        "log_url": _log_url(request, activity_type),
    }


def chosen_channel(
    given: str, channels: Sequence[Channel], senders: Sequence[Sender] = ()
) -> Channel | None:
    """The channel with this id; without one, that which sends most, else the first."""
    chosen = as_id(given)
    first = senders[0].channel if senders else next(iter(channels), None)
    return next((channel for channel in channels if channel.pk == chosen), first)


def _own_uses(activity_type: ActivityType) -> list[Use]:
    uses = []
    if activity_type.goal:
        effect = "Automations count no new contacts who come to it."
        uses.append(Use("Goal", activity_type.name, effect))
    if activity_type.whitelisted:
        effect = "Stays in the list of event names of the ActiveCampaign-format API."
        uses.append(Use("Event name", activity_type.code_name, effect))
    return uses


def _bars(activity_type: ActivityType) -> list[Bar]:
    """A bar for each day, the oldest first; none if nothing was recorded."""
    now = timezone.now()
    since = now - timedelta(days=DAYS - 1)
    counts = count_by_day(activity_type.pk, since, now)
    if not counts:
        return []
    most, step = max(counts.values()), _WIDTH / DAYS
    bars = []
    for number in range(DAYS):
        day = timezone.localtime(since + timedelta(days=number)).date()
        count = counts.get(day, 0)
        height = count / most * _HEIGHT
        bars.append(
            Bar(day, count, number * step, _HEIGHT - height, step * 0.8, max(height, bool(count)))
        )
    return bars


def _log_url(request: HttpRequest, activity_type: ActivityType) -> str:
    if not may_see_activities(request.user):
        return ""
    return changelist_url(Activity, f"type__id__exact={activity_type.pk}")
