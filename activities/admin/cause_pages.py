"""The pages of the inspector that are no list of lines: causes, and what is done about one."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from activities.admin.permissions import (
    may_replay,
    may_see_activity_types,
    may_see_corrections,
    may_see_inspector,
    may_see_mapped_names,
    may_see_replays,
)
from activities.admin.personal_data import hide_emails
from activities.admin.remedies import (
    carry_out,
    known_types,
    remedies_for,
    sender_of,
    settled_names,
    suggestions,
)
from activities.causes import COUNTED, CountedCause, count_causes
from activities.models import RejectedActivity, Replay
from activities.problems import Status
from activities.reading_again import can_be_replayed, why_not
from activities.replaying import MOST_CHECKED, Cause, cause_of, check_again
from adminsite.counting import count_up_to, say_count
from adminsite.formatting import change_url, changelist_url
from adminsite.permissions import AnyUser
from adminsite.searching import as_id
from adminsite.trends import trend
from channels.models import Channel
from contacts.admin.permissions import may_see_contacts

_BASE = "admin:activities_rejectedactivity_"
# Of what time the causes are, and of which statuses, by what the address calls them.
_TIMES = {"1": "24 hours", "7": "7 days", "30": "30 days"}
_KINDS: dict[str, tuple[str, tuple[Status, ...]]] = {
    "refused": ("Refused", (Status.INVALID_REJECTED, Status.FAILED)),
    "remarks": ("Recorded with a remark", (Status.INVALID_ACCEPTED,)),
    "left-out": ("Left out on purpose", (Status.FILTERED,)),
}
_REPLAYS = 5
_REASONS = 10
_MOST = 10_000


def urls() -> list:
    """The addresses of these pages, below the list of lines."""

    return [
        url_for("causes/", require_GET(causes_view), "causes"),
        url_for("causes/one/", require_GET(cause_view), "cause"),
        url_for("causes/check/", require_GET(check_view), "check"),
        url_for("causes/act/", require_POST(act_view), "act"),
    ]


def url_for(route: str, view: Callable[[HttpRequest], HttpResponse], name: str) -> URLPattern:
    """The address of a page for users who may see the inspector, each time that it is asked for."""

    def for_inspectors(request: HttpRequest) -> HttpResponse:
        if not may_see_inspector(request.user):
            raise PermissionDenied
        return view(request)

    view_of_site = admin.site.admin_view(for_inspectors)
    return path(route, view_of_site, name=f"activities_rejectedactivity_{name}")


def url_of(line: int) -> str:
    """The address of the page of the cause that this line has in common with others.

    Causes may name people: in addresses, one of their lines stands for them.
    """
    return f"{reverse(f'{_BASE}cause')}?cause={line}"


def tabs_for(user: AnyUser, current: str) -> list[dict[str, Any]]:
    """The pages of the inspector that this user may see; the one on the screen is marked."""
    pages = [
        ("Causes", f"{_BASE}causes", may_see_inspector),
        ("Lines", f"{_BASE}changelist", may_see_inspector),
        ("Senders", f"{_BASE}senders", may_see_inspector),
        ("Live", f"{_BASE}live", may_see_inspector),
        ("Replays", "admin:activities_replay_changelist", may_see_replays),
        ("Mapped names", "admin:activities_mappedname_changelist", may_see_mapped_names),
        ("Corrections", "admin:activities_correction_changelist", may_see_corrections),
    ]
    return [
        {"title": title, "url": reverse(view), "is_current": title == current}
        for title, view, may_see in pages
        if may_see(user)
    ]


def page(request: HttpRequest, name: str, title: str, tab: str, context: dict) -> HttpResponse:
    """A page of the inspector."""
    given = {
        **admin.site.each_context(request),
        "title": title,
        "inspector_tabs": tabs_for(request.user, tab),
        "input_class": " ".join(INPUT_CLASSES),
        "select_class": " ".join(SELECT_CLASSES),
        **context,
    }
    return TemplateResponse(request, f"activities/inspector/{name}.html", given)


def causes_view(request: HttpRequest) -> HttpResponse:
    """What is refused, by cause: the causes with the most lines that were not let in first."""
    days = request.GET.get("days", "")
    days = days if days in _TIMES else "7"
    kind = request.GET.get("kind", "")
    kind = kind if kind in _KINDS else "refused"
    found = count_causes(timedelta(days=int(days)), _KINDS[kind][1])
    context = {
        "rows": _rows(found.rows, request.user),
        "is_more": found.is_more,
        "is_cut": found.is_cut,
        "counted": f"{COUNTED:,}",
        "time": _TIMES[days],
        "times": _choices(_TIMES, days, "days", {"kind": kind}),
        "kinds": _choices(
            {name: title for name, (title, _) in _KINDS.items()}, kind, "kind", {"days": days}
        ),
        "kind": kind,
    }
    return page(request, "causes", "Inspector", "Causes", context)


def cause_view(request: HttpRequest) -> HttpResponse:
    """One cause: its lines in figures, what to do about it, and its replays."""
    line = _line_in(request.GET)
    cause = cause_of(line)
    newest = cause.lines.order_by("-at", "-pk").defer("payload", "payload_text")
    example = newest.select_related("channel").first() or line
    oldest = cause.lines.order_by("at", "pk").values_list("at", flat=True).first()
    waiting = cause.lines.filter(can_be_replayed())
    replays = Replay.objects.filter(**cause._asdict()).select_related("requested_by")
    channel = example.channel.name if example.channel else ""
    number = count_up_to(cause.lines, _MOST)
    mended = count_up_to(cause.lines.filter(replayed__in=RejectedActivity.LET_IN), _MOST)
    context = {
        "line": line,
        "cause": cause,
        "example": example,
        "reason": _shown(example.reason, request.user),
        "named": _shown(cause.named, request.user),
        "facts": [
            ("Sender", sender_of(cause, channel)),
            ("Lines", _counted(number)),
            ("Let in since", _counted(mended)),
        ],
        "is_mended": mended == number <= _MOST,
        "first_at": oldest,
        "last_at": example.at,
        "is_waiting": replays.filter(status=Replay.Status.WAITING).exists(),
        "why_not": "" if waiting.exists() else why_not(example),
        "lines_url": changelist_url(RejectedActivity, f"cause={line.pk}"),
        "act_url": reverse(f"{_BASE}act"),
        "check_url": f"{reverse(f'{_BASE}check')}?cause={line.pk}",
        "replays": replays.order_by("-pk")[:_REPLAYS] if may_see_replays(request.user) else [],
        "may_see_types": may_see_activity_types(request.user),
        **remedies_for(cause, request.user),
    }
    return page(request, "cause", "Cause", "Causes", context)


def check_view(request: HttpRequest) -> HttpResponse:
    """How many lines of a cause would pass now, of the oldest: a part of its page."""
    line = _line_in(request.GET)
    cause = cause_of(line)
    waiting = cause.lines.filter(can_be_replayed())
    oldest = waiting.select_related("channel__tracking_consent").order_by("at", "pk")
    checked = check_again(oldest[:MOST_CHECKED])
    total = count_up_to(waiting, _MOST)
    reasons: Counter[str] = Counter()
    for reason, count in checked.reasons.items():
        reasons[_shown(reason, request.user)] += count
    context = {
        "line": line,
        "checked": checked,
        "total": total,
        "is_more_than_counted": total > _MOST,
        "is_sample": total > checked.looked_at,
        "refused": checked.looked_at - checked.would_pass,
        "reasons": reasons.most_common(_REASONS),
        "may_replay": may_replay(request.user),
        "act_url": reverse(f"{_BASE}act"),
        "is_waiting": Replay.objects.filter(
            **cause._asdict(), status=Replay.Status.WAITING
        ).exists(),
    }
    return page(request, "check", "Cause", "Causes", context)


def act_view(request: HttpRequest) -> HttpResponse:
    """Do what a form on the page of a cause, or of a line, asks for."""
    line = _line_in(request.POST)
    level, text = carry_out(request, cause_of(line))
    messages.add_message(request, level, text)
    # From the page of a line, back to it.
    if request.POST.get("line"):
        return HttpResponseRedirect(change_url(line))
    return HttpResponseRedirect(url_of(line.pk))


def _rows(found: Any, user: AnyUser) -> list[dict[str, Any]]:
    """What the list of causes shows of each, in five queries for all."""
    examples = RejectedActivity.objects.defer("payload", "payload_text").in_bulk(
        [one.example for one in found]
    )
    channels = dict(
        Channel.objects.filter(pk__in={one.cause.channel_id for one in found}).values_list(
            "pk", "name"
        )
    )
    types = known_types()
    settled = settled_names([one.cause for one in found])
    return [_row(one, examples.get(one.example), channels, types, settled, user) for one in found]


def _row(
    one: CountedCause,
    example: RejectedActivity | None,
    channels: Mapping[int, str],
    types: dict[str, str],
    settled: Collection[Cause],
    user: AnyUser,
) -> dict[str, Any]:
    cause = one.cause
    return {
        "url": url_of(one.example),
        "reason": _shown(example.reason if example else cause.code, user),
        "code": cause.code,
        "field": cause.field,
        "sender": sender_of(cause, channels.get(cause.channel_id or 0, "")),
        "number": one.number,
        "mended": one.mended,
        "is_mended": one.mended == one.number,
        "trend": trend(one.bars, "Lines"),
        "first_at": one.first_at,
        "last_at": one.last_at,
        "meant": "" if cause in settled else next(iter(suggestions(cause, types)), ""),
    }


def _counted(number: int) -> str:
    return say_count(number, _MOST)


def _shown(text: str, user: AnyUser) -> str:
    return text if may_see_contacts(user) else hide_emails(text)


def _line_in(given: Mapping[str, str]) -> RejectedActivity:
    """The line that stands for a cause in a query or a form.

    :raises Http404: if there is no such line any more
    """
    pk = as_id(given.get("cause", ""))
    lines = RejectedActivity.objects.defer("payload", "payload_text").select_related("channel")
    line = lines.filter(pk=pk).first() if pk is not None else None
    if line is None:
        raise Http404("There is no such line any more: lines are kept for a month.")
    return line


def _choices(
    titles: Mapping[str, str], chosen: str, name: str, others: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            "url": f"?{urlencode({**others, name: value})}",
            "is_current": value == chosen,
        }
        for value, title in titles.items()
    ]
