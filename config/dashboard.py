"""The first page of the admin: how much is going on, and what needs attention."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from activities.admin.long_texts import cut_short, without_long_texts
from activities.counting import count_by_hour
from activities.models import Activity, ActivityType, DataInput, RejectedActivity
from activities.problems import Status
from adminsite.counting import estimated_rows
from adminsite.formatting import change_url, changelist_url
from channels.models import ApiKey, Channel
from contacts.models import Contact, ContactMerge

_DAYS = 30
_TYPES_IN_CHART = 5
_LATEST = 8
# Up to here contacts are counted one by one.
_EXACT_CONTACTS = 100_000
# What became of activities that were not recorded although nobody wants that.
_LOST = (Status.INVALID_REJECTED, Status.FAILED)
_COLOURS = ("#0e7c92", "#f59e0b", "#6366f1", "#10b981", "#ec4899", "#94a3b8")

_CHART_OPTIONS = json.dumps(
    {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "maxBarThickness": 22,
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": {"display": False}},
        "scales": {
            "x": {
                "stacked": True,
                "grid": {"display": False},
                "ticks": {"maxTicksLimit": 8, "maxRotation": 0, "color": "#9ca3af"},
            },
            "y": {
                "stacked": True,
                "beginAtZero": True,
                "border": {"display": False},
                "grid": {"color": "#e5e7eb"},
                "ticks": {"precision": 0, "maxTicksLimit": 6, "color": "#9ca3af"},
            },
        },
    }
)


@dataclass(frozen=True)
class Figure:
    """One number of the dashboard."""

    name: str
    icon: str
    value: str
    note: str
    url: str
    is_urgent: bool = False


def dashboard(request: HttpRequest, context: dict) -> dict:
    """Add to `context` what the dashboard shows to this user, in a constant number of queries."""
    may = request.user.has_perm
    context["title"] = "Dashboard"
    context["figures"] = []
    if may("contacts.view_contact"):
        context["figures"].append(_contacts_figure())
    if may("activities.view_activity"):
        _add_activities(context, names_contacts=may("contacts.view_contact"))
        if not context["latest"] and may("channels.view_channel"):
            context["next_steps"] = _next_steps()
    if may("activities.view_rejectedactivity"):
        context["figures"].append(_rejections_figure())
    if may("activities.view_activity"):
        context["figures"].append(_data_inputs_figure())
    if may("contacts.view_contactmerge"):
        context["figures"].append(_merges_figure())
    return context


def _contacts_figure() -> Figure:
    total, about = estimated_rows(Contact._meta.db_table), "about "
    if total > _EXACT_CONTACTS:
        known = estimated_rows("contact_email_prefix")
    else:
        counts = Contact.objects.live().aggregate(
            total=Count("pk"), known=Count("pk", filter=~Q(email=""))
        )
        total, known, about = counts["total"], counts["known"], ""
    return Figure(
        name="Contacts",
        icon="group",
        value=f"{about}{total:,}",
        note=f"{about}{known:,} known by email",
        url=changelist_url(Contact),
    )


def _add_activities(context: dict, *, names_contacts: bool) -> None:
    now = timezone.now()
    names = dict(ActivityType.objects.values_list("pk", "name"))
    by_type: Counter[str] = Counter()
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    last_day = last_week = 0
    for hour, type_id, count in count_by_hour(_first_day(now), now):
        name = names.get(type_id, "Deleted type")
        by_type[name] += count
        by_day[hour.date()][name] += count
        last_day += count if hour > now - timedelta(days=1) else 0
        last_week += count if hour > now - timedelta(days=7) else 0
    context["figures"].append(
        Figure(
            name="Activities in 24 hours",
            icon="timeline",
            value=f"{last_day:,}",
            note=f"{last_week:,} in 7 days",
            url=changelist_url(Activity),
        )
    )
    shown = ("type", "contact", "channel") if names_contacts else ("type", "channel")
    newest = without_long_texts(
        Activity.objects.select_related(*shown), hides_personal_data=not names_contacts
    ).order_by("-occurred_at", "-id")
    context["latest"] = [
        {
            "occurred_at": activity.occurred_at,
            "contact": activity.contact if names_contacts else None,
            "title": activity.title,
            "channel": activity.channel,
        }
        for activity in cut_short(newest[:_LATEST])
    ]
    context["top_types"] = _top_types(by_type)
    context["chart_options"] = _CHART_OPTIONS
    context["chart"], context["legend"] = _chart(timezone.localdate(now), by_day, by_type)


def _first_day(now: datetime) -> datetime:
    """The start of the first of the days in the chart."""
    start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(days=_DAYS - 1)


def _top_types(by_type: Counter[str]) -> list[dict]:
    most = max(by_type.values(), default=0)
    return [
        {"name": name, "count": f"{count:,}", "percent": round(100 * count / most)}
        for name, count in by_type.most_common(8)
    ]


def _chart(today: date, by_day: dict, by_type: Counter[str]) -> tuple[str, list[dict]]:
    days = [today - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    shown = [name for name, _ in by_type.most_common(_TYPES_IN_CHART)]
    series = {name: [by_day[day][name] for day in days] for name in shown}
    if len(by_type) > len(shown):
        series["Other types"] = [
            by_day[day].total() - sum(by_day[day][name] for name in shown) for day in days
        ]
    datasets = [
        {"label": name, "data": values, "backgroundColor": colour, "borderRadius": 2}
        for (name, values), colour in zip(series.items(), _COLOURS, strict=False)
    ]
    labels = [f"{day.day} {day:%b}" for day in days]
    legend = [{"name": one["label"], "colour": one["backgroundColor"]} for one in datasets]
    return json.dumps({"labels": labels, "datasets": datasets}), legend


def _rejections_figure() -> Figure:
    yesterday = timezone.now() - timedelta(days=1)
    count = RejectedActivity.objects.filter(status__in=_LOST, at__gte=yesterday).count()
    return Figure(
        name="Rejected in 24 hours",
        icon="troubleshoot",
        value=f"{count:,}",
        note="See why in the inspector" if count else "Everything was recorded",
        url=changelist_url(RejectedActivity, urlencode({"status__exact": _LOST}, doseq=True)),
        is_urgent=count > 0,
    )


def _data_inputs_figure() -> Figure:
    count = DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).count()
    return Figure(
        name="Data inputs waiting",
        icon="edit_note",
        value=f"{count:,}",
        note="Applied by workers in a moment" if count else "All are applied",
        url=changelist_url(Activity),
    )


def _merges_figure() -> Figure:
    waiting = ContactMerge.objects.open().filter(status=ContactMerge.Status.REVIEW).count()
    return Figure(
        name="Merges to decide",
        icon="merge",
        value=f"{waiting:,}",
        note="Contacts with different emails" if waiting else "Nothing needs you",
        url=changelist_url(ContactMerge, "status__exact=review"),
        is_urgent=waiting > 0,
    )


def _next_steps() -> list[dict]:
    channel = Channel.objects.order_by("pk").first()
    has_key = ApiKey.objects.exists()
    key_url = change_url(channel) if channel else changelist_url(Channel)
    return [
        {
            "title": "Create a channel",
            "text": "A channel is the website, app or server that will report what people do.",
            "url": reverse("admin:channels_channel_add"),
            "link": "Create a channel",
            "is_done": channel is not None,
        },
        {
            "title": "Make an API key for it",
            "text": "Open the channel and choose “New API key”. The key is shown once.",
            "url": key_url,
            "link": "Open the channel",
            "is_done": has_key,
        },
        {
            "title": "Send the first activity",
            "text": (
                "With the key comes a line to paste into a terminal. The API documentation has "
                "the rest."
            ),
            "url": reverse("api-docs"),
            "link": "Read the API documentation",
            "is_done": False,
        },
    ]
