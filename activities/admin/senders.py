"""Who sends what: each sender with the last time, how much came, and what share was refused."""

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from activities.admin.cause_pages import page, url_for
from activities.models import SenderCount
from adminsite.trends import trend
from channels.admin.permissions import may_see_channels
from channels.models import ApiKey, Channel
from web.doors import title_of

_HOURS = 24
_MOST = 200

_BY_SENDER = """
SELECT channel_id, door, key_id, tracked_site_id, max(last_at),
    coalesce(sum(recorded + refused) FILTER (WHERE hour >= %(hour)s), 0)::bigint,
    coalesce(sum(recorded + refused) FILTER (WHERE hour > %(day)s), 0)::bigint,
    coalesce(sum(refused) FILTER (WHERE hour > %(day)s), 0)::bigint,
    coalesce(sum(recorded + refused), 0)::bigint,
    coalesce(sum(refused), 0)::bigint,
    (json_object_agg((extract(epoch FROM hour)::bigint), recorded + refused)
        FILTER (WHERE hour > %(day)s))::text
FROM activities_sendercount GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT %(most)s
"""


def urls() -> list:
    """The address of the page, below the list of lines."""
    return [url_for("senders/", require_GET(senders_view), "senders")]


def senders_view(request: HttpRequest) -> HttpResponse:
    """Every sender of the last month, the one that came last first."""
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    day = this_hour - timedelta(hours=_HOURS)
    with connection.cursor() as cursor:
        cursor.execute(_BY_SENDER, {"hour": this_hour, "day": day, "most": _MOST + 1})
        found = cursor.fetchall()
    hours = [int((day + timedelta(hours=one)).timestamp()) for one in range(1, _HOURS + 1)]
    names = _Names(found)
    context = {
        "rows": [names.row(one, hours) for one in found[:_MOST]],
        "is_more": len(found) > _MOST,
        "may_see_channels": may_see_channels(request.user),
    }
    return page(request, "senders", "Senders", "Senders", context)


class _Names:
    """What the senders are called, in three queries for all of them."""

    def __init__(self, found: list[tuple]):
        self._channels = Channel.objects.in_bulk({row[0] for row in found})
        self._keys = ApiKey.objects.in_bulk({row[2] for row in found if row[2]})
        sites: Any = SenderCount._meta.get_field("tracked_site").related_model
        self._sites = sites._default_manager.in_bulk({row[3] for row in found if row[3]})

    def row(self, found: tuple, hours: list[int]) -> dict[str, Any]:
        """What the page shows of one sender."""
        channel_id, door, key_id, site_id, last_at, *figures, counts = found
        hour, day, refused, month, refused_in_all = figures
        counts = json.loads(counts or "{}")
        return {
            "channel": self._channels.get(channel_id),
            "format": title_of(door),
            "key": self._keys.get(key_id) if key_id else None,
            "is_deleted": bool(key_id and key_id not in self._keys),
            "site": self._sites.get(site_id) if site_id else None,
            "last_at": last_at,
            "hour": hour,
            "day": day,
            "refused": refused,
            "share": _share(refused, day),
            "month": month,
            "share_of_month": _share(refused_in_all, month),
            "trend": trend([counts.get(str(one), 0) for one in hours], "Each hour"),
        }


def _share(part: int, whole: int) -> str:
    """A part in per cent; a small one is not nothing."""
    if not whole:
        return ""
    percent = 100 * part / whole
    return "less than 1 %" if 0 < percent < 1 else f"{percent:.0f} %"
