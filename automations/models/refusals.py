"""Entries that did not come about, counted."""

from django.db import models
from django.utils import timezone

from automations.models.automations import Automation


class Refusal(models.Model):
    """How many entries into an automation were refused for one reason, and when the last was."""

    class Reason(models.TextChoices):
        """Why a contact did not enter, as pages and programs are told."""

        ONCE = "once", "A contact enters once, and this one has."
        TEN = "ten", "A contact enters at most 10 times in 24 hours."
        RUNNING = "running", "It is still running for the contact."
        CHAIN = (
            "chain",
            "Automations that let each other's contacts in make a chain of at most 10 runs.",
        )

    automation = models.ForeignKey(Automation, models.CASCADE, related_name="refusals")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField("last time", default=timezone.now)

    class Meta:
        verbose_name = "refused entry"
        verbose_name_plural = "refused entries"
        constraints = [
            models.UniqueConstraint(
                fields=["automation", "reason"], name="refusals_are_counted_once_per_reason"
            )
        ]

    def __str__(self) -> str:
        return self.get_reason_display()
