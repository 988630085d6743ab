"""Old activities, and rules that were tried."""

from datetime import timedelta

from django.utils import timezone

from activities.models import ActivityTypeUse
from jobs.working import work_off
from privacy.jobs import RETENTION
from privacy.models import RetentionRule
from privacy.retention.rules import start
from tests.factories import make_activity, make_channel, make_contact


def ago(days):
    """So many days before now."""
    return timezone.now() - timedelta(days=days)


def make_old(activity_type, count, *, days, contact=None, **fields):
    """Activities of this type that happened so many days ago, each a second after the other."""
    channel = fields.pop("channel", None) or make_channel()
    at = ago(days)
    return [
        make_activity(
            contact or make_contact(),
            type=activity_type,
            channel=channel,
            **{
                "occurred_at": at + timedelta(seconds=number),
                "recorded_at": at + timedelta(seconds=number),
                **fields,
            },
        )
        for number in range(count)
    ]


def rule_for(activity_type=None, *, days, **fields):
    """A rule, which is off."""
    return RetentionRule.objects.create(activity_type=activity_type, days=days, **fields)


def tried(rule, *, total=None):
    """A dry run of this rule, which has come to its end."""
    if total is not None:
        ActivityTypeUse.objects.create(type=rule.activity_type, count=total)
    run = start(rule, dry=True)
    work_off(RETENTION)
    run.refresh_from_db()
    assert run.status == "done"
    return run


def deleted_by(rule):
    """A run of this rule, which is on, that has come to its end."""
    now = timezone.now()
    RetentionRule.objects.filter(pk=rule.pk).update(enabled=True, enabled_at=now)
    rule.refresh_from_db()
    run = start(rule, dry=False)
    work_off(RETENTION)
    run.refresh_from_db()
    return run
