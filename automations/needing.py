"""Activities that runs still need: those that let them in, until they are over."""

from collections.abc import Collection, Iterable

from activities.expiring import register_need
from automations.models import Automation, Run


def _begun_by(ids: Collection[int]) -> Iterable[int]:
    """Those of these activities with which a run began that is not over; by the unique index."""
    runs = Run.objects.filter(
        automation__in=list(Automation.objects.values_list("pk", flat=True)),
        cause=Run.Cause.ACTIVITY,
        cause_id__in=list(ids),
        status__in=[Run.Status.RUNNING, Run.Status.PAUSED],
    )
    return [pk for pk in runs.values_list("cause_id", flat=True) if pk is not None]


def register() -> None:
    """Have the deletion of old activities know it."""
    register_need(_begun_by)
