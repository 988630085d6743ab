"""Automations, and the versions that their runs follow."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from database.transaction_ids import TransactionIdField
from groups.models import check_storable
from jobs.models import Waiting

CODE_NAME = RegexValidator(
    r"\A[A-Za-z0-9_.-]+\Z", "Use letters, digits, underscores, dots and hyphens only."
)


def manual_trigger() -> dict:
    """The trigger of an automation that only users and programs start."""
    return {"type": "manual"}


class Automation(models.Model):
    """What happens to contacts, step by step, after something happened."""

    class Runs(models.TextChoices):
        """How often one contact may enter."""

        ONCE = "once", "Once"
        MANY = "many", "Many times, at most 10 in 24 hours"
        IF_NOT_RUNNING = "if_not_running", "Whenever it is not running for the contact"

    name = models.CharField("automation name", max_length=200, validators=[check_storable])
    code_name = models.CharField(
        max_length=200,
        validators=[CODE_NAME],
        help_text="Programs and configuration files name the automation by it.",
    )
    description = models.TextField(
        blank=True,
        validators=[check_storable],
        help_text="What it is for, for the other marketers.",
    )
    enabled = models.BooleanField(
        default=False,
        help_text="Whether contacts enter. Those who are inside go on when it is switched off.",
    )
    runs = models.CharField(
        "a contact may enter", max_length=20, choices=Runs.choices, default=Runs.MANY
    )
    trigger = models.JSONField(default=manual_trigger)
    steps = models.JSONField(default=list, blank=True)
    # How often trigger or steps were changed; a run stays on the version that it entered.
    version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    # While it is paused contacts enter, and nobody moves.
    paused_at = models.DateTimeField("paused", null=True, editable=False)
    archived_at = models.DateTimeField("archived", null=True, editable=False)
    # Since when it is entered by its trigger: what was recorded before lets nobody in. A trigger of
    # the database keeps both whenever it is switched on, or gets another trigger.
    enabled_at = models.DateTimeField("switched on", null=True, editable=False)
    enabled_in = TransactionIdField(null=True, editable=False)
    # Who asked to switch it on, where a second person has to approve of that, and who did.
    approval_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                name="one_automation_per_code_name",
                violation_error_message="Another automation has this code name.",
            ),
            models.CheckConstraint(
                condition=models.Q(archived_at__isnull=True) | models.Q(enabled=False),
                name="nobody_enters_an_archived_automation",
                violation_error_message="An archived automation cannot be switched on.",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True)
                | ~models.Q(approved_by=models.F("approval_asked_by")),
                name="nobody_approves_of_an_automation_of_their_own",
                violation_error_message="Another user has to approve.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """Trigger and steps of an automation as they were for a while. Never edited.

    Every step has a `key`, which it keeps in later versions: counts go by it.
    """

    automation = models.ForeignKey(Automation, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    trigger = models.JSONField()
    steps = models.JSONField()
    created_at = models.DateTimeField("created", default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["automation", "number"], name="one_version_of_an_automation_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.automation}, version {self.number}"


class StateChange(Waiting):
    """That an automation was paused, resumed or archived, until the runs inside have followed."""

    automation = models.ForeignKey(Automation, models.CASCADE, related_name="+")

    class Meta:
        verbose_name = "change of an automation's state"
        verbose_name_plural = "changes of automations' states"
        indexes = [models.Index(fields=["due_at"], name="due_state_changes")]

    def __str__(self) -> str:
        return f"The state of {self.automation}"
