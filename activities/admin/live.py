"""What arrives now, of a channel or of one of its websites: recorded and refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from activities.admin.cause_pages import page, url_for
from activities.admin.long_texts import cut_short, without_long_texts
from activities.admin.permissions import may_see_activities
from activities.admin.personal_data import hide_emails
from activities.models import Activity, RejectedActivity
from activities.problems import Status
from adminsite.formatting import change_url
from adminsite.permissions import AnyUser
from adminsite.searching import as_id
from channels.models import Channel
from contacts.admin.permissions import may_see_contacts

# So many rows are shown at a time, and so many when the page is opened.
_MOST, _AT_FIRST = 50, 10
# A page that has not asked for so long begins anew: what came meanwhile may be very much.
_LONGEST_PAUSE = timedelta(minutes=1)
# The time of a line is that of its request, which is before its commit.
_OVERLAP = timedelta(seconds=10)

# Exactly what was committed since the last time: rows of later transactions are read later.
_RECORDED = """
WITH edge AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS transaction)
SELECT edge.transaction::text, new.id FROM edge LEFT JOIN LATERAL (
    SELECT id FROM activities_activity
    WHERE recorded_in >= %s::text::xid8 AND recorded_in < edge.transaction
        AND (%s::bigint IS NULL OR channel_id = %s)
        AND (%s::bigint IS NULL OR tracked_site_id = %s) AND recorded_at >= %s
    ORDER BY recorded_in DESC, id DESC LIMIT %s
) AS new ON true
"""


class _Place(NamedTuple):
    """Up to where a page has seen what arrives: a transaction, and a time."""

    transaction: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.transaction}-{int(self.at.timestamp())}"


class _Filter(NamedTuple):
    channel_id: int | None
    site_id: int | None

    @property
    def columns(self) -> dict[str, int]:
        """The conditions on activities."""
        given = {"channel": self.channel_id, "tracked_site": self.site_id}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def conditions_on_lines(self) -> dict[str, int]:
        given = {"channel": self.channel_id, "context__site": self.site_id}
        return {name: value for name, value in given.items() if value is not None}


def urls() -> list:
    """The addresses of the live view, below the list of lines."""
    return [
        url_for("live/", require_GET(live_view), "live"),
        url_for("live/rows/", require_GET(rows_view), "live_rows"),
    ]


def live_view(request: HttpRequest) -> HttpResponse:
    """The page, which asks for rows again and again."""
    chosen = _filter_in(request)
    sites = _sites().select_related("channel").order_by("name", "pk")
    query = request.GET.urlencode()
    context = {
        "channels": Channel.objects.order_by("name", "pk"),
        "sites": sites,
        "chosen": chosen,
        "rows_url": f"{reverse('admin:activities_rejectedactivity_live_rows')}?{query}",
        "sees_recorded": may_see_activities(request.user),
    }
    return page(request, "live", "What arrives now", "Live", context)


def rows_view(request: HttpRequest) -> HttpResponse:
    """The rows that have come since the page last asked, the newest first."""
    chosen, now = _filter_in(request), timezone.now()
    after = _place_in(request.GET.get("after", ""), now)
    recorded, transaction = _recorded(request.user, chosen, after, now)
    rows = [*recorded, *_refused(request.user, chosen, after)]
    rows.sort(key=lambda row: row["at"], reverse=True)
    html = render_to_string("activities/inspector/live_rows.html", {"rows": rows[:_MOST]})
    given = {"rows": html, "after": str(_Place(transaction, now)), "more": len(rows) > _MOST}
    response = JsonResponse(given)
    response["Cache-Control"] = "no-store"
    return response


def _recorded(
    user: AnyUser, chosen: _Filter, after: _Place | None, now: datetime
) -> tuple[list[dict[str, Any]], str]:
    """The activities, and the transaction up to which they are read."""
    if not may_see_activities(user):
        return [], _oldest_transaction()
    if after is None:
        transaction = _oldest_transaction()
        newest = Activity.objects.filter(**chosen.columns).order_by("-occurred_at", "-id")
        ids = list(newest.values_list("pk", flat=True)[:_AT_FIRST])
    else:
        ids, transaction = _ids_since(chosen, after, now)
    return _shown(user, ids), transaction


def _ids_since(chosen: _Filter, after: _Place, now: datetime) -> tuple[list[int], str]:
    # A cluster that a dump was restored into has ids of transactions that are in old rows, too.
    since = now - _LONGEST_PAUSE * 10
    channel_id, site_id = chosen
    with connection.cursor() as cursor:
        params = [after.transaction, channel_id, channel_id, site_id, site_id, since, _MOST + 1]
        cursor.execute(_RECORDED, params)
        rows = cursor.fetchall()
    return [pk for _, pk in rows if pk is not None], rows[0][0]


def _oldest_transaction() -> str:
    """The oldest transaction that still runs: all before it are over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return cursor.fetchone()[0]


def _shown(user: AnyUser, ids: Sequence[int]) -> list[dict[str, Any]]:
    activities = without_long_texts(
        Activity.objects.filter(pk__in=ids).select_related("type", "channel", "tracked_site"),
        hides_personal_data=not may_see_contacts(user),
    )
    return [
        {
            "key": f"a{one.pk}",
            "at": one.recorded_at,
            "is_recorded": True,
            "status": "Recorded",
            "type": one.type.name,
            "text": one.title if may_see_contacts(user) else hide_emails(one.title),
            "where": str(one.tracked_site or one.channel),
            "url": change_url(one),
        }
        for one in cut_short(activities)
    ]


def _refused(user: AnyUser, chosen: _Filter, after: _Place | None) -> list[dict[str, Any]]:
    lines = RejectedActivity.objects.filter(**chosen.conditions_on_lines)
    lines = lines.defer("payload", "payload_text").select_related("channel").order_by("-at", "-pk")
    found = lines[:_AT_FIRST] if after is None else lines.filter(at__gte=after.at - _OVERLAP)
    shows = may_see_contacts(user)
    return [
        {
            "key": f"r{line.pk}",
            "at": line.at,
            "is_recorded": line.status in (Status.VALID, Status.INVALID_ACCEPTED),
            "status": line.get_status_display(),
            "type": line.named if shows else hide_emails(line.named),
            "text": line.reason if shows else hide_emails(line.reason),
            "where": str(line.channel or "Unknown sender"),
            "url": change_url(line),
        }
        for line in found[: _MOST + 1]
    ]


def _filter_in(request: HttpRequest) -> _Filter:
    return _Filter(as_id(request.GET.get("channel", "")), as_id(request.GET.get("site", "")))


def _place_in(text: str, now: datetime) -> _Place | None:
    """Where a page was; None if it is to begin anew."""
    transaction, _, seconds = text.partition("-")
    xid, at = as_id(transaction), as_id(seconds)
    if xid is None or at is None or abs(now.timestamp() - at) > _LONGEST_PAUSE.total_seconds():
        return None
    return _Place(str(xid), datetime.fromtimestamp(at, tz=now.tzinfo))


def _sites() -> Any:
    """The tracked sites, which are of a room above."""
    return Activity._meta.get_field("tracked_site").related_model._default_manager  # type: ignore[union-attr]
