"""What workers do for the doors."""

from celery import shared_task

from web import limits


@shared_task(name="web.forget_old_counts")
def forget_old_counts() -> None:
    limits.forget_old_counts()
