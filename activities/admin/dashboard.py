"""What the dashboard says about what contacts did, and about what was not recorded."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst

from activities.admin.long_texts import cut_short, without_long_texts
from activities.admin.permissions import may_see_activities, may_see_inspector
from activities.models import Activity, DataInput, RejectedActivity
from activities.problems import Status
from adminsite.counting import COUNTED, count_up_to, say_count
from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    Change,
    DashboardCard,
    Figure,
    compare,
    counted,
    register_card,
)
from adminsite.formatting import changelist_url
from adminsite.periods import Span, period_of
from contacts.admin.permissions import may_see_contacts
from jobs.admin import may_see_work
from jobs.models import Chore

_LATEST = 8
_CAUSES = 8
# What became of activities that were not recorded although nobody wants that.
_LOST = (Status.INVALID_REJECTED, Status.FAILED)
_STATUSES = urlencode({"status__exact": _LOST}, doseq=True)
# Of more lines only the newest are looked at, so that a flood of them slows down no dashboard.
_MOST_LINES = 20_000


def _latest(request: HttpRequest) -> CardContent:
    names_contacts = may_see_contacts(request.user)
    keys = ("type", "contact", "channel") if names_contacts else ("type", "channel")
    newest = without_long_texts(
        Activity.objects.select_related(*keys), hides_personal_data=not names_contacts
    ).order_by("-occurred_at", "-id")
    latest = [
        {
            "occurred_at": activity.occurred_at,
            "contact": activity.contact if names_contacts else None,
            "title": activity.title,
            "channel": activity.channel,
        }
        for activity in cut_short(newest[:_LATEST])
    ]
    shown = {"latest": latest, "may_name": names_contacts}
    return CardContent(context=shown if latest else {})


def _refused(request: HttpRequest) -> CardContent:
    period = period_of(request)
    found, before = _causes(period), _causes(period.before)
    causes = {code: number for code, (number, _) in found.items()}
    total, let_in = sum(causes.values()), sum(number for _, number in found.values())
    total_before = sum(number for number, _ in before.values())
    at_most = "at least " if total >= _MOST_LINES else ""
    when = period.query("at")
    kept_since = timezone.now() - timedelta(days=settings.REJECTED_KEPT_DAYS)
    # Of the time before that there is nothing to compare with.
    is_comparable = period.before.since >= kept_since
    figure = Figure(
        name="Refused",
        icon="troubleshoot",
        value=f"{at_most}{total:,}",
        note=_note(total, let_in, is_whole=period.since >= kept_since),
        url=changelist_url(RejectedActivity, f"{_STATUSES}&{when}"),
        is_urgent=total > let_in,
        change=compare(total, total_before, period, more_is="bad") if is_comparable else _NOT_KEPT,
    )
    bars = [
        Bar(
            name=code.replace("_", " "),
            count=number,
            url=changelist_url(RejectedActivity, f"{_STATUSES}&{when}&{urlencode({'code': code})}"),
            change=compare(number, before.get(code, (0, 0))[0], period, more_is="bad")
            if is_comparable
            else None,
        )
        for code, number in sorted(causes.items(), key=lambda one: -one[1])[:_CAUSES]
    ]
    note = f"Of the newest {_MOST_LINES:,} lines of the inspector." if at_most else ""
    return CardContent(
        figures=[figure],
        lists=[BarList("Refused, by cause", bars, "Nothing was refused in this period.", note)],
        said=f"{at_most}{counted(total, 'activity was refused', 'activities were refused')}"
        f"{f', {_let_in(total, let_in)}' if let_in else ''}"
        if total
        else "nothing was refused",
    )


def _let_in(total: int, let_in: int) -> str:
    if total == let_in:
        return "all let in since" if total > 1 else "let in since"
    return f"{let_in:,} of them let in since"


_NOT_KEPT = Change("", "The inspector does not keep lines for so long")


def _note(total: int, let_in: int, *, is_whole: bool) -> str:
    if not is_whole:
        return f"Within {settings.REJECTED_KEPT_DAYS} days: older lines are not kept"
    if let_in:
        return capfirst(_let_in(total, let_in))
    return "See why in the inspector" if total else "Everything was recorded"


def _causes(span: Span) -> dict[str, tuple[int, int]]:
    """How often what was lost in a span was refused with each code, and let in since; one query."""
    lines = RejectedActivity.objects.filter(at__gte=span.since, at__lt=span.until)
    newest = lines.order_by("-at", "-id").values("pk")[:_MOST_LINES]
    lost = RejectedActivity.objects.filter(pk__in=newest, status__in=_LOST)
    found: Iterable[tuple[str, int, int]] = lost.values_list("code").annotate(
        number=Count("pk"), let_in=Count("pk", filter=Q(replayed__in=RejectedActivity.LET_IN))
    )
    return {code: (number, let_in) for code, number, let_in in found}


def _data_inputs(request: HttpRequest) -> CardContent:
    waiting = DataInput.objects.filter(outcome=DataInput.Outcome.PENDING)
    count = count_up_to(waiting, COUNTED)
    figure = Figure(
        name="Data inputs waiting",
        icon="edit_note",
        value=say_count(count, COUNTED),
        note="Applied by workers in a moment" if count else "All are applied",
        url=changelist_url(Chore),
    )
    return CardContent(figures=[figure])


register_card(
    DashboardCard(
        position=100,
        may_see=may_see_activities,
        build=_latest,
        template="activities/dashboard.html",
    )
)
register_card(DashboardCard(position=50, may_see=may_see_inspector, build=_refused))
register_card(DashboardCard(position=80, may_see=may_see_work, build=_data_inputs))
