"""Retention rules: a rule is written, tried, and switched on; each change of it begins anew."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from activities.models import ActivityType, SystemType
from jobs.tasks import ring
from privacy.models import RetentionRule, RetentionRun
from privacy.retention.words import days_of

JOB = "retention"
CHORE = "delete what is too old"
# What a dry run has found is no longer what there is.
TRIAL_COUNTS_FOR = timedelta(days=7)
ONES_OWN = "You have asked to switch it on: another user has to approve."

_Kind = RetentionRule.Kind
_Status = RetentionRun.Status


@dataclass(frozen=True)
class Proposal:
    """A rule that many have, for a hub without rules."""

    kind: str
    days: int
    code_name: str = ""
    why: str = ""


PROPOSALS = (
    Proposal(
        _Kind.ACTIVITIES,
        days_of(13),
        SystemType.PAGE_VISIT,
        "A year to compare with, and a month to do so.",
    ),
    Proposal(
        _Kind.ACTIVITIES, days_of(24), "", "What nobody has thought of does not stay for ever."
    ),
    Proposal(_Kind.ANONYMOUS, days_of(6), "", "Who comes back after that is a new visitor anyway."),
    Proposal(
        _Kind.INACTIVE,
        days_of(36),
        "",
        "Three years, after which many claims fall under the statute of limitations.",
    ),
)


def types_of(rule: RetentionRule) -> list[int]:
    """The activity types that a rule for activities is about."""
    if rule.activity_type_id is not None:
        return [rule.activity_type_id]
    others = RetentionRule.objects.filter(activity_type__isnull=False).values("activity_type")
    return list(
        ActivityType.objects.exclude(pk__in=others).order_by("pk").values_list("pk", flat=True)
    )


def change_days(rule: RetentionRule, days: int) -> bool:
    """Set after how many days a rule deletes, if it is different; return whether it was on.

    It is switched off then: what it deletes now has to be seen first.

    :raises ValidationError: if a rule cannot have so many days
    """
    with transaction.atomic():
        locked = RetentionRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
        was_on = locked.enabled
        locked.days = days
        locked.full_clean(exclude=["activity_type"])
        locked.changed_at = timezone.now()
        _turn(locked, None)
    return was_on


def trial_of(rule: RetentionRule) -> RetentionRun | None:
    """The dry run that lets the rule be switched on: a whole one, of the rule as it is, not old."""
    since = max(rule.changed_at, timezone.now() - TRIAL_COUNTS_FOR)
    runs = RetentionRun.objects.filter(
        rule=rule, dry=True, status=_Status.DONE, requested_at__gte=since
    )
    return runs.order_by("-pk").first()


def needs_two(rule: RetentionRule) -> bool:
    """Whether a second user approves before the rule is switched on: one that erases persons."""
    return settings.ERASURE_NEEDS_TWO and rule.kind != _Kind.ACTIVITIES


@transaction.atomic
def switch_on(rule: RetentionRule, by: User, *, most: bool = False) -> bool:
    """Have the rule delete from the next daily run on; where two have to, the first only asks.

    :param most: whether the user knows that more than half of all goes
    :return: whether it is on
    :raises ValidationError: if no dry run says what would go, or that is more than half, or the
        user has asked for it before
    """
    locked = RetentionRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    if locked.enabled:
        return True
    trial = trial_of(locked)
    if trial is None:
        raise ValidationError(
            "Start a dry run first, and wait for its end: it says what this rule deletes."
        )
    if trial.is_most and not most:
        raise ValidationError(
            f"This rule deletes {trial.found:,} of {trial.total:,}, more than half. "
            "Tick the box that says so."
        )
    if not needs_two(locked):
        _turn(locked, by)
    elif locked.asked_by_id is None:
        _turn(locked, None, asked_by=by)
    elif locked.asked_by_id == by.pk:
        raise ValidationError(ONES_OWN)
    else:
        _turn(locked, by, asked_by=locked.asked_by)
    return locked.enabled


@transaction.atomic
def switch_off(rule: RetentionRule) -> None:
    """Have the rule delete nothing more, and nobody ask for it; a run that goes on ends."""
    locked = RetentionRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    _turn(locked, None)


def _turn(locked: RetentionRule, by: User | None, *, asked_by: User | None = None) -> None:
    locked.enabled, locked.enabled_by, locked.asked_by = by is not None, by, asked_by
    locked.enabled_at = timezone.now() if by is not None else None
    locked.save()


def start(rule: RetentionRule, *, dry: bool, by: User | None = None) -> RetentionRun | None:
    """Have a worker look at everything by this rule; None if a run of it goes on already.

    :raises ValidationError: if it is to delete, and the rule is off
    """
    rule = RetentionRule.objects.select_related("activity_type").get(pk=rule.pk)
    if not dry and not rule.enabled:
        raise ValidationError("Switch the rule on first.")
    try:
        with transaction.atomic():
            run = RetentionRun.objects.create(
                rule=rule,
                says=str(rule),
                kind=rule.kind,
                dry=dry,
                by=by,
                before=timezone.now() - timedelta(days=rule.days),
            )
            RetentionRun.objects.filter(rule=rule).exclude(pk=run.pk).update(examples=[])
    except IntegrityError:  # one_run_of_a_retention_rule_goes_on
        return None
    ring(JOB)
    return run


def start_all() -> None:
    """Start a run of each rule that is on: the daily work."""
    for rule in RetentionRule.objects.filter(enabled=True).select_related("activity_type"):
        start(rule, dry=False)


def cancel(run: RetentionRun) -> bool:
    """Do nothing further; whether it was still running. What was deleted stays deleted."""
    running = RetentionRun.objects.filter(pk=run.pk, status=_Status.WAITING)
    return bool(running.update(status=_Status.CANCELLED, finished_at=Now()))
