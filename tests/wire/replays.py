"""Replays for tests, done at once, and what became of the lines."""

from datetime import timedelta

from django.utils import timezone

from activities.jobs import REPLAYS
from activities.models import RejectedActivity
from activities.replaying import cause_of, request_replay
from jobs.working import work_off

NAME = "custom_loan_calculator"


def replay(line=None):
    """Replay all lines of the cause of `line`, or of the one that there is; return the replay."""
    line = line or RejectedActivity.objects.earliest("pk")
    found = request_replay(cause_of(line), None)
    work_off(REPLAYS)
    found.refresh_from_db()
    return found


def age(hours=48):
    """Let everything in the inspector have come so long ago."""
    at = timezone.now() - timedelta(hours=hours)
    RejectedActivity.objects.update(at=at)
    return at
