"""How fast emails leave, and what became of them while there is no mail server."""

from django.db import models
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge


class Pace(models.Model):
    """How many emails may still leave: the only row of its table, which all workers share."""

    # Emails that may leave at once, as of `refilled_at`; EMAILS_PER_SECOND come to it in a second.
    tokens = models.FloatField(default=0)
    refilled_at = models.DateTimeField(default=timezone.now)
    # Emails that left on `day`, in TIME_ZONE.
    day = models.DateField(null=True)
    left_on_day = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_pace_of_sending")
        ]

    def __str__(self) -> str:
        return f"{self.left_on_day} emails on {self.day}"


class OutboxMessage(models.Model):
    """An email that was not sent, because the hub has no mail server: the admin shows it."""

    at = models.DateTimeField("time", default=timezone.now)
    # What a contact gets who asks for their data has the email itself.
    contact = ContactKey(
        on_merge=OnMerge.MOVE, on_erase=OnErase.DELETE, export=False, null=True, related_name="+"
    )
    recipients = models.TextField("to")
    sender = models.TextField("from")
    subject = models.TextField(blank=True)
    # As a mail server would have got it.
    raw = models.BinaryField()

    class Meta:
        verbose_name = "message in the outbox"
        verbose_name_plural = "messages in the outbox"
        indexes = [models.Index(fields=["-at", "-id"], name="outbox_by_time")]

    def __str__(self) -> str:
        return self.subject or "(no subject)"
