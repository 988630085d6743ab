"""What workers do for the doors."""

from celery import shared_task

from tracking import contact_creation


@shared_task(name="tracking.forget_old_creations")
def forget_old_creations() -> None:
    """Delete the idempotency keys that count no more."""
    contact_creation.forget_old_creations()
