"""What operators can switch off: the doors of applications, and whatever writes."""

from django.conf import settings

from web.problems import Problem, read_only


def check_switches(*, reads: bool = False) -> None:
    """Make sure that the doors are open, also for a request that writes unless it only `reads`.

    :raises Problem: 404 if the tracking API is switched off, 503 if the hub is read-only
    """
    if not settings.TRACKING_API_ENABLED:
        raise Problem(404, "tracking_off", "The tracking API is switched off.")
    if settings.READ_ONLY and not reads:
        raise read_only()
