"""What workers look for again and again for automations."""

from celery import shared_task

from automations.dates import let_in_by_dates


@shared_task(name="automations.dates", expires=30)
def look_at_dates() -> None:
    """Let the contacts in whose date has come."""
    let_in_by_dates()
