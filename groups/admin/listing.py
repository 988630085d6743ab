"""The columns of the list of contact groups, and what they need of the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, OuterRef, QuerySet, Subquery, Value
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from adminsite.columns import Column, Short
from adminsite.counting import COUNTED, CountOf, say_count
from adminsite.formatting import EMPTY, badge, moment
from groups.following import GROUPS
from groups.models import ContactGroup, GroupBuild, Membership, MembershipEvent
from readers.models import ReaderState
from readers.positions import place_of

_DAY = timedelta(days=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def with_figures(groups) -> QuerySet[Any]:
    """`groups` with what the list, and the head of a group's page, say about each."""
    of_group = {"group": OuterRef("pk")}
    of_a_day = MembershipEvent.objects.filter(**of_group, at__gte=timezone.now() - _DAY)
    lately = of_a_day.order_by("-at", "-id").values("entered")[: COUNTED + 1]
    counted = Membership.objects.filter(**of_group).order_by().values("pk")[: COUNTED + 1]
    builds = GroupBuild.objects.filter(**of_group)
    waiting = builds.filter(status=GroupBuild.Status.WAITING)
    done = builds.filter(status=GroupBuild.Status.DONE).order_by("-id")
    return groups.with_due().annotate(
        counted=CountOf(counted),
        entered_lately=CountOf(lately, "entered"),
        left_lately=CountOf(lately, "NOT entered"),
        found=Subquery(done.values("members")[:1]),
        phase=Subquery(waiting.values("phase")[:1]),
        failures=Subquery(waiting.values("attempts")[:1]),
        followed_until=Value(_followed_until(), output_field=DateTimeField()),
    )


def size(group) -> str:
    """How many members a group has: none while it is switched off, of many as its build found."""
    if not group.enabled:
        return "0"
    if group.counted > COUNTED and group.found and group.found > COUNTED:
        return f"about {group.found:,}"
    return say_count(group.counted, COUNTED)


def change_of_a_day(group) -> SafeString | str:
    """How many contacts came into a group and left it within 24 hours."""
    entered, left = group.entered_lately, group.left_lately
    if not entered and not left:
        return ""
    return format_html(
        '<span class="whitespace-nowrap" title="{0} came in, {1} left">+{0} &minus;{1}</span>',
        _lately(entered),
        _lately(left),
    )


def _lately(number: int) -> str:
    return f"{number:,}" if number <= COUNTED else f"{COUNTED:,}+"


def kind(group: ContactGroup) -> str:
    """Whether a rule decides who is in a group, or users do."""
    return "Static" if group.static else "Dynamic"


def state(group) -> SafeString:
    """Whether the members are those of the rule, with what a worker does about it."""
    if not group.enabled:
        return badge("Switched off")
    if group.failures:
        return badge("Build failed", "bad")
    if group.phase is not None:
        return badge("Building" if group.phase else "Waits to be built", "info")
    if group.is_due:
        is_cancelled = group.last_build_status == GroupBuild.Status.CANCELLED
        return badge("Build cancelled" if is_cancelled else "Not built", "warning")
    return badge("Up to date", "good")


def as_of(group) -> SafeString | str:
    """Up to when the members are right: once it was built, a group follows what happens."""
    if group.static:
        return EMPTY
    if group.served_rule is None or group.built_at is None:
        return "Not built yet" if group.enabled else EMPTY
    if group.is_due:
        return moment(group.built_at, seconds=True)
    behind = group.followed_until
    return "Now" if behind is None else moment(max(behind, group.built_at), seconds=True)


def _followed_until() -> datetime | None:
    """Up to when the reader has followed what happens; None if nothing waits for it."""
    if all(place_of(GROUPS.name, log).next_batch(1) is None for log in GROUPS.logs):
        return None
    state = ReaderState.objects.filter(pk=GROUPS.name).first()
    return (state and state.read_at) or _LONG_AGO


NAME = Short("name", "Contact group", ordering="name")
COLUMNS = (
    NAME,
    Column(kind),
    Column(size, "Members"),
    Column(change_of_a_day, "In 24 hours"),
    Column(state),
    Column(as_of, "As of"),
)
