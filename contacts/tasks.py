"""What workers do for contacts."""

import logging

from celery import shared_task

from contacts.models import ContactMerge

logger = logging.getLogger(__name__)


@shared_task(name="contacts.carry_out_merge")
def carry_out_merge(*, merge_id: int) -> None:
    from contacts import merging  # noqa: PLC0415 -- circular

    merging.carry_out_merge(merge_id)


@shared_task(name="contacts.sweep_merges")
def sweep_merges() -> None:
    """Carry out the merges whose message was lost, and move what came late to merged contacts."""
    from contacts import merging  # noqa: PLC0415 -- circular

    pending = ContactMerge.objects.filter(status=ContactMerge.Status.PENDING)
    for merge_id in list(pending.order_by("requested_at").values_list("pk", flat=True)):
        try:
            merging.carry_out_merge(merge_id)
        except Exception:  # one merge that fails must not hold up the others; it is tried again
            logger.exception("Merge %s failed and stays pending.", merge_id)
    merging.settle_merges()
