"""Automations that a user starts for many contacts at once."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from automations.models.automations import Automation
from jobs.models import Waiting


class Broadcast(Waiting):
    """That an automation is started for everybody in a group, or whom a rule finds.

    A worker lets them in a part at a time from `due_at` on, as many a minute as `per_minute` says.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        UNAPPROVED = "unapproved", "Waits for a second person"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"

    automation = models.ForeignKey(Automation, models.CASCADE, related_name="broadcasts")
    # The contacts, as the rule of a group has them.
    rule = models.JSONField()
    # What the audience is called, such as the name of a group.
    audience = models.CharField(max_length=250)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    starts_at = models.DateTimeField("starts", default=timezone.now)
    per_minute = models.PositiveIntegerField(
        "contacts a minute", null=True, blank=True, help_text="Empty: all at once."
    )
    requested_at = models.DateTimeField("asked for", default=timezone.now)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    # What that user has looked at: `look_at` of `automations/looked_at.py`.
    approved_as = models.JSONField(null=True, editable=False)
    finished_at = models.DateTimeField("ended", null=True)
    # How many contacts it was for when it was asked for, and how many it has come to and let in.
    total = models.PositiveBigIntegerField(null=True)
    reached = models.PositiveBigIntegerField(default=0)
    entered = models.PositiveBigIntegerField(default=0)
    # It goes by the ids of contacts, and this is the last that it has come to.
    last_contact = models.BigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "unapproved"], finished_at__isnull=True)
                | models.Q(status__in=["done", "stopped"], finished_at__isnull=False),
                name="a_broadcast_goes_on_until_it_is_finished",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True)
                | ~models.Q(approved_by=models.F("requested_by")),
                name="nobody_approves_of_a_broadcast_of_their_own",
                violation_error_message="Another user has to approve.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_broadcasts"
            ),
            models.Index(fields=["automation", "-id"], name="broadcasts_of_an_automation"),
        ]

    def __str__(self) -> str:
        return f"{self.automation} for {self.audience}"
