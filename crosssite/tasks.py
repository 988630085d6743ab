"""What workers do for websites."""

from celery import shared_task

from crosssite import handover, hits


@shared_task(name="crosssite.forget")
def forget() -> None:
    """Delete used hand-over tokens and old counts."""
    handover.forget_used_tokens()
    hits.forget_old_hits()
