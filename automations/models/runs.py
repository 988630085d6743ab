"""The way of one contact through an automation."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from automations.models.automations import Automation, Version
from automations.models.broadcasts import Broadcast
from contacts.keys import ContactKey, OnErase, OnMerge
from database.transaction_ids import CurrentTransactionId, TransactionIdField
from jobs.models import Waiting


class Run(Waiting):
    """One contact in one version of an automation.

    It waits at `step` until `due_at`, when a worker does that step and those behind it, as far as
    none has to wait.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Finished"
        STOPPED = "stopped", "Stopped"

    class Cause(models.TextChoices):
        """What let the contact in."""

        ACTIVITY = "activity", "An activity"
        GROUP = "group", "A group"
        CONSENT = "consent", "An answer to a consent"
        FIELD = "field", "A change of the contact"
        DATE = "date", "A date"
        USER = "user", "A user of the admin"
        BROADCAST = "broadcast", "A broadcast"
        API = "api", "A program"
        CODE = "code", "A command or Python code"

    automation = models.ForeignKey(
        Automation,
        models.PROTECT,
        related_name="+",
        db_index=False,  # runs_of_an_automation
    )
    version = models.ForeignKey(Version, models.PROTECT, related_name="run_set")
    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="runs",
        db_index=False,  # runs_of_a_contact
    )
    # The id that the contact had on entry; merges do not change it.
    entered_as = models.BigIntegerField(editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    # Of a run that is over, the step at which it ended, "" if it passed all.
    step = models.CharField("waits at", max_length=20, blank=True)
    # When a wait began. Of other steps, when they were to be done by plan: `late` counts from it.
    step_since = models.DateTimeField("there since", default=timezone.now)
    entered_at = models.DateTimeField("entered", default=timezone.now)
    finished_at = models.DateTimeField("ended", null=True)
    # Why it ended before its last step, or what it did not do.
    reason = models.TextField(blank=True)
    # Whether a step came so late that a user has to decide about it; it is paused until then.
    asks = models.BooleanField(default=False, db_default=False, editable=False)
    cause = models.CharField("entered by", max_length=10, choices=Cause.choices)
    # The row of the log that it was (an activity, an entry, an agreement, a change), or of a date
    # the year; no key of the database points at an activity.
    cause_id = models.BigIntegerField(null=True, editable=False)
    # The user who let the contact in.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    # Of an activity, what %EVENT: name% stands for.
    event_name = models.CharField(max_length=250, blank=True)
    event_data = models.TextField(blank=True)
    once = models.BooleanField(default=False, editable=False)
    # How many runs, this one included, let each other in by what they did.
    depth = models.PositiveSmallIntegerField(default=1, editable=False)
    broadcast = models.ForeignKey(
        Broadcast, models.SET_NULL, null=True, related_name="runs", editable=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["automation", "cause", "cause_id", "entered_as"],
                condition=models.Q(cause_id__isnull=False),
                name="one_run_per_automation_and_cause",
            ),
            models.UniqueConstraint(
                fields=["automation", "entered_as"],
                condition=models.Q(once=True),
                name="a_contact_enters_once_where_once_is_asked",
            ),
            models.UniqueConstraint(
                fields=["broadcast", "entered_as"],
                condition=models.Q(broadcast__isnull=False),
                name="a_broadcast_reaches_a_contact_once",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["running", "paused"], finished_at__isnull=True)
                | models.Q(status__in=["done", "stopped"], finished_at__isnull=False),
                name="a_run_goes_on_until_it_is_finished",
            ),
            models.CheckConstraint(
                condition=models.Q(asks=False) | models.Q(status="paused"),
                name="a_run_that_asks_is_paused",
            ),
            models.CheckConstraint(
                condition=models.Q(depth__range=(1, 10)), name="chains_of_runs_are_at_most_ten_long"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(status="running"), name="due_runs"),
            models.Index(fields=["contact", "-entered_at", "-id"], name="runs_of_a_contact"),
            models.Index(fields=["automation", "-entered_at", "-id"], name="runs_of_an_automation"),
            models.Index(
                fields=["automation", "step"],
                condition=models.Q(status__in=["running", "paused"]),
                name="runs_inside_by_step",
            ),
            models.Index(
                fields=["version", "step"],
                condition=models.Q(status__in=["running", "paused"]),
                name="runs_inside_a_version",
            ),
            models.Index(
                fields=["automation", "step"],
                condition=models.Q(status__in=["running", "paused"], attempts__gt=0),
                name="runs_that_fail_by_step",
            ),
            models.Index(
                fields=["automation"], condition=models.Q(asks=True), name="runs_that_ask"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact} in {self.automation}"


class Passage(models.Model):
    """That a run passed a step, and how; a run passes each step at most once. Never edited.

    The trigger `passages_go_with_their_run` deletes those of a run that is deleted.
    """

    class Outcome(models.TextChoices):
        """How a step was passed; branches of a split are `branch 1` and so on."""

        DONE = "done", "Done"
        THEN = "then", "The rule held"
        ELSE = "else", "The rule did not hold"
        TIMEOUT = "timeout", "The longest time was over"
        SKIPPED = "skipped", "Skipped"

    run = models.ForeignKey(Run, models.CASCADE, related_name="passages", db_constraint=False)
    automation = models.ForeignKey(Automation, models.CASCADE, related_name="+", db_index=False)
    step = models.CharField(max_length=20)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.DONE)
    # Which branch of a split, from 0.
    branch = models.PositiveSmallIntegerField(null=True)
    detail = models.TextField(blank=True)
    at = models.DateTimeField("time", default=timezone.now)
    # The activity that a step has logged.
    activity_id = models.BigIntegerField(null=True, editable=False)
    # What this transaction recorded about the contact came of the run.
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "passed step"
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="a_run_passes_each_step_once")
        ]
        indexes = [
            models.Index(fields=["automation", "step", "outcome"], name="passages_by_step"),
            models.Index(
                fields=["activity_id"],
                condition=models.Q(activity_id__isnull=False),
                name="activities_logged_by_runs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.run}"
