"""What workers do for groups besides reading and building."""

from celery import shared_task

from groups.sweeping import compare_meanings, sweep

# A worker that is told to stop waits for what it does.
_SECONDS = 1.0


@shared_task(name="groups.sweep", expires=5)
def look_at_what_is_due() -> None:
    """Look at contacts whose windows have ended, and at rules whose names mean something new."""
    if not sweep(_SECONDS):
        # Many were due at one moment: those who are left need not wait for the next beat.
        look_at_what_is_due.delay_on_commit()
    compare_meanings()
