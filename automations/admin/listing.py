"""The columns of the list of automations, and what they need of the database."""

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString

from adminsite.columns import Column, Moment, Short
from adminsite.counting import COUNTED, CountOf, say_count
from adminsite.formatting import badge
from automations.admin.phrases import phrase_of_trigger
from automations.models import Automation, Run
from groups.names import Known

INSIDE = (Run.Status.RUNNING, Run.Status.PAUSED)


def with_figures(automations: QuerySet[Automation]) -> QuerySet[Automation]:
    """`automations` with what the list, and the head of a page, say about each."""
    runs = Run.objects.filter(automation=OuterRef("pk"))
    inside = runs.filter(status__in=INSIDE).order_by().values("pk")[: COUNTED + 1]
    return automations.annotate(
        counted=CountOf(inside),
        last_entered=Subquery(runs.order_by("-entered_at", "-id").values("entered_at")[:1]),
    )


def inside(automation) -> str:
    """How many contacts are on their way through an automation."""
    return say_count(automation.counted, COUNTED)


def when(automation: Automation) -> str:
    """What lets contacts in."""
    # With code names: looking names up would cost queries for each row.
    return phrase_of_trigger(automation.trigger, Known())


def state(automation: Automation) -> SafeString:
    """Whether contacts enter, and whether those who are inside move."""
    if automation.archived_at:
        return badge("Archived")
    if automation.paused_at:
        return badge("Paused", "warning")
    if automation.approval_asked_by_id and not automation.enabled:
        return badge("Waits for a second person", "info")
    return badge("On", "good") if automation.enabled else badge("Off")


NAME = Short("name", "Automation", ordering="name")
COLUMNS = (
    NAME,
    Short(when, "Enters when"),
    Column(state),
    Column(inside, "Inside"),
    Moment("last_entered", "Last entered"),
)
