"""How long things are kept: rules, and the log of what was deleted by them."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from jobs.models import Waiting
from privacy.retention.words import sentence

LONGEST_DAYS = 36_500


class RetentionRule(models.Model):
    """Activities of a type, or of all types without a rule of their own, or contacts, go when old.

    A rule deletes nothing before a user has switched it on, and that takes a dry run of it as it
    is. What it has deleted stands in its runs.
    """

    class Kind(models.TextChoices):
        """What is deleted."""

        ACTIVITIES = "activities", "Activities"
        ANONYMOUS = "anonymous", "Anonymous contacts"
        INACTIVE = "inactive", "Inactive contacts"

    kind = models.CharField("what", max_length=20, choices=Kind.choices, default=Kind.ACTIVITIES)
    activity_type = models.ForeignKey(
        "activities.ActivityType",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Without a type: all types that have no rule of their own.",
    )
    days = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text="What is older goes.",
    )
    enabled = models.BooleanField("on", default=False, db_default=False)
    enabled_at = models.DateTimeField("on since", null=True, blank=True, editable=False)
    enabled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    # Who asked to switch it on, where a second user has to: that one is `enabled_by`.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    # A dry run of before says nothing.
    changed_at = models.DateTimeField("changed", default=timezone.now, editable=False)

    class Meta:
        verbose_name = "retention rule"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "activity_type"],
                nulls_distinct=False,
                name="one_retention_rule_for_each_thing",
                violation_error_message="There is a rule for that already: change that one.",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="activities") | models.Q(activity_type__isnull=True),
                name="only_rules_for_activities_name_a_type",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["activities", "anonymous", "inactive"]),
                name="retention_rules_are_for_known_things",
            ),
            models.CheckConstraint(
                condition=models.Q(days__range=(1, LONGEST_DAYS)),
                name="everything_is_kept_for_a_day_at_least",
            ),
            models.CheckConstraint(
                condition=models.Q(enabled=True, enabled_at__isnull=False)
                | models.Q(enabled=False, enabled_at__isnull=True),
                name="a_retention_rule_that_is_on_says_since_when",
            ),
            models.CheckConstraint(
                condition=models.Q(asked_by__isnull=True)
                | models.Q(enabled_by__isnull=True)
                | ~models.Q(enabled_by=models.F("asked_by")),
                name="nobody_approves_of_a_retention_rule_of_their_own",
                violation_error_message="Another user has to approve.",
            ),
        ]

    def __str__(self) -> str:
        named = self.activity_type.name if self.activity_type is not None else None
        return sentence(self.kind, self.days, named)


class RetentionRun(Waiting):
    """That everything was looked at by a rule, once: only counted if it is dry, else deleted.

    A worker goes on at `position` until nothing is left, portion by portion.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        STOPPED = "stopped", "Stopped"

    rule = models.ForeignKey(RetentionRule, models.SET_NULL, null=True, related_name="runs")
    says = models.CharField("rule", max_length=500, help_text="The rule as it was, in words.")
    dry = models.BooleanField("dry run")
    kind = models.CharField(max_length=20, choices=RetentionRule.Kind.choices, editable=False)
    before = models.DateTimeField("older than", editable=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField("asked for", default=timezone.now)
    started_at = models.DateTimeField("started", null=True)
    finished_at = models.DateTimeField("ended", null=True)
    reason = models.TextField("why it stopped", blank=True)
    position = models.JSONField(default=dict, editable=False)
    # Of contacts the highest id that there was; of activities how many the dry run before it found.
    end = models.BigIntegerField(default=0, editable=False)
    # What is too old, what of that was deleted, and what something still needs.
    found = models.PositiveBigIntegerField(default=0)
    deleted = models.PositiveBigIntegerField(default=0)
    kept = models.PositiveBigIntegerField("still needed", default=0)
    # How much there is in all, and how many of the contacts agree to a consent.
    total = models.PositiveBigIntegerField("of", default=0)
    agreeing = models.PositiveBigIntegerField(default=0)
    months = models.JSONField(default=dict, editable=False)
    oldest = models.DateTimeField(null=True)
    newest = models.DateTimeField(null=True)
    # Ids of some rows that a dry run found; forgotten with the next run.
    examples = models.JSONField(default=list, editable=False)

    class Meta:
        verbose_name = "retention run"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="waiting", finished_at__isnull=True)
                | (~models.Q(status="waiting") & models.Q(finished_at__isnull=False)),
                name="a_retention_run_goes_on_until_it_is_finished",
            ),
            models.CheckConstraint(
                condition=models.Q(dry=False) | models.Q(deleted=0),
                name="a_dry_run_deletes_nothing",
            ),
            models.UniqueConstraint(
                fields=["rule"],
                condition=models.Q(status="waiting"),
                name="one_run_of_a_retention_rule_goes_on",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_retention_runs"
            ),
            models.Index(fields=["rule", "-id"], name="runs_of_a_retention_rule"),
        ]

    def __str__(self) -> str:
        return self.says

    @property
    def is_most(self) -> bool:
        """Whether more than half of all that there is would go."""
        return self.found * 2 > self.total


class LastActivity(models.Model):
    """When the newest activity happened of those of a contact that were deleted for their age.

    Otherwise a contact would count as inactive since long before. After a merge, a contact may
    have several: the latest counts.
    """

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="+",
    )
    at = models.DateTimeField("time")

    class Meta:
        verbose_name = "last activity that was deleted"
        verbose_name_plural = "last activities that were deleted"

    def __str__(self) -> str:
        return f"{self.at:%d %b %Y %H:%M}"
