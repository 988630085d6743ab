"""What the dashboard says about channels: what each sent, and which have gone silent."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

from activities.admin.permissions import may_see_activities
from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    DashboardCard,
    compare,
    counted,
    register_card,
)
from adminsite.formatting import change_url
from adminsite.periods import period_of
from channels.admin.permissions import may_see_channels
from channels.models import Channel
from figures.admin.links import activities_url
from figures.counts import sums_of
from figures.models import Count
from figures.silence import silent_since

_SHOWN = 8


def silent_list(title: str, senders: Iterable[Model], since: Mapping[int, datetime]) -> BarList:
    """The senders that have gone silent, the latest first."""
    now = timezone.now()
    silent = sorted(senders, key=lambda one: since[one.pk], reverse=True)
    bars = [
        Bar(
            name=str(one),
            count=0,
            text=f"for {timesince(since[one.pk], now, depth=1)}",
            url=change_url(one),
        )
        for one in silent[:_SHOWN]
    ]
    more = f"And {len(silent) - _SHOWN} more." if len(silent) > _SHOWN else ""
    note = "Nothing came for a day, although something had within 30 days."
    empty = "All that sent something within 30 days did so today or yesterday."
    return BarList(title, bars, empty, f"{note} {more}".strip() if bars else "")


def _channels(request: HttpRequest) -> CardContent:
    period = period_of(request)
    sums = sums_of(Count.Kind.CHANNEL, period)
    since = silent_since(Count.Kind.CHANNEL)
    channels = {one.pk: one for one in Channel.objects.only("name")}
    silent = [one for pk, one in channels.items() if pk in since]
    may_see_log = may_see_activities(request.user)
    most = sorted(sums.items(), key=lambda one: -one[1].now)[:_SHOWN]
    bars = [
        Bar(
            name=channel.name,
            count=sum.now,
            url=activities_url(period, channel__id__exact=key)
            if may_see_log
            else change_url(channel),
            change=compare(sum.now, sum.before, period),
        )
        for key, sum in most
        if (channel := channels.get(int(key)))
    ]
    empty = "Nothing came in this period. The inspector says what was refused."
    said = f"{counted(len(silent), 'channel has', 'channels have')} gone silent"
    return CardContent(
        lists=[
            BarList("Activities by channel", bars, empty),
            silent_list("Channels gone silent", silent, since),
        ],
        said=said if silent else "",
    )


register_card(DashboardCard(position=60, may_see=may_see_channels, build=_channels))
