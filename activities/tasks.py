"""What workers do for activities."""

from celery import shared_task

from activities import counting, data_input, inspector, quality


@shared_task(name="activities.apply_data_input")
def apply_data_input(*, contact_id: int) -> None:
    data_input.apply_data_inputs(contact_id)


@shared_task(name="activities.sweep_data_input")
def sweep_data_input() -> None:
    """Apply the data inputs whose message was lost."""
    data_input.sweep_data_inputs()


@shared_task(name="activities.forget_old_rejections")
def forget_old_rejections() -> None:
    """Delete rejections, and counts, that are older than they are to be kept."""
    inspector.forget_old_rejections()
    quality.forget_old_counts()


@shared_task(name="activities.recount_activities")
def recount_activities() -> None:
    """Count activities by hour, for whoever looks at the dashboard."""
    counting.recount_activities()
