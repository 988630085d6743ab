"""Emails to contacts: what was sent, what became of it, and where none may go."""

from django.db import models
from django.utils import timezone

from automations.models.runs import Run
from automations.models.templates import Template
from consents.models import Consent
from contacts.keys import ContactKey, OnErase, OnMerge
from database.transaction_ids import CurrentTransactionId, TransactionIdField
from jobs.models import Waiting


class Email(Waiting):
    """One email to one contact: rendered once, and handed to the mail server under one Message-ID.

    *Prepared* emails wait for `due_at`. One that is *handing over* when its lease ends is
    *uncertain*: the mail server may have it.
    """

    class Status(models.TextChoices):
        PREPARED = "prepared", "Waits to be sent"
        HANDING_OVER = "handing_over", "On its way to the mail server"
        SENT = "sent", "Sent"
        UNCERTAIN = "uncertain", "Uncertain whether it was sent"
        FAILED = "failed", "Refused by the mail server"
        HELD = "held", "Held back"

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="emails",
        db_index=False,  # emails_of_a_contact
    )
    template = models.ForeignKey(
        Template,
        models.SET_NULL,
        null=True,
        related_name="emails",
        db_index=False,  # emails_of_a_template
    )
    run = models.ForeignKey(
        Run,
        models.SET_NULL,
        null=True,
        related_name="emails",
        db_index=False,  # a_run_sends_the_email_of_a_step_once
    )
    step = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PREPARED)
    # Why it was held back or refused, or what is uncertain.
    reason = models.TextField(blank=True)
    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    # Of the template when it was prepared. A transactional one has no consent.
    consent = models.ForeignKey(Consent, models.SET_NULL, null=True, related_name="+")
    is_transactional = models.BooleanField()
    recipient = models.CharField("to", max_length=254)
    sender = models.CharField("from", max_length=400)
    reply_to = models.CharField(max_length=254, blank=True)
    subject = models.TextField()
    html = models.TextField("HTML")
    text = models.TextField()
    prepared_at = models.DateTimeField("prepared", default=timezone.now)
    # When the last attempt to hand it over began, and when the mail server took it.
    handed_over_at = models.DateTimeField("handed over", null=True)
    sent_at = models.DateTimeField("sent", null=True)
    # Since when the mail server says “later”; a user who has it sent again begins anew.
    put_off_since = models.DateTimeField("put off since", null=True, editable=False)
    # How often it was uncertain whether the mail server had it, and since when for the last time.
    # Both stay when it is sent again: so often it may have arrived once more.
    times_uncertain = models.PositiveSmallIntegerField(default=0, editable=False)
    uncertain_at = models.DateTimeField("uncertain", null=True, editable=False)
    # What the provider calls it, if it is sent by one.
    provider_id = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "step"],
                condition=models.Q(run__isnull=False),
                name="a_run_sends_the_email_of_a_step_once",
            ),
            models.CheckConstraint(
                condition=models.Q(status="sent", sent_at__isnull=False) | ~models.Q(status="sent"),
                name="a_sent_email_has_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["held", "failed", "uncertain"], reason=""),
                name="an_email_that_was_not_sent_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(times_uncertain=0, uncertain_at__isnull=True)
                | models.Q(times_uncertain__gt=0, uncertain_at__isnull=False),
                name="an_email_is_uncertain_since_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["is_transactional", "due_at"],
                condition=models.Q(status__in=["prepared", "handing_over"]),
                name="due_emails",
            ),
            models.Index(
                fields=["-uncertain_at", "-id"],
                condition=models.Q(times_uncertain__gt=0),
                name="uncertain_emails",
            ),
            models.Index(
                fields=["provider_id"],
                condition=~models.Q(provider_id=""),
                name="emails_by_id_of_provider",
            ),
            models.Index(
                fields=["status", "-prepared_at", "-id"],
                condition=~models.Q(status="sent"),
                name="emails_not_sent",
            ),
            models.Index(
                fields=["step", "status", "-prepared_at", "-id"],
                condition=models.Q(status__in=["held", "failed", "uncertain"]),
                name="emails_not_sent_by_step",
            ),
            models.Index(fields=["contact", "-prepared_at", "-id"], name="emails_of_a_contact"),
            models.Index(fields=["template", "-prepared_at", "-id"], name="emails_of_a_template"),
            models.Index(fields=["-prepared_at", "-id"], name="emails_by_time"),
            models.Index(
                fields=["sent_at"],
                condition=models.Q(sent_at__isnull=False),
                name="emails_by_time_of_sending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.contact}"


class EmailEvent(models.Model):
    """What became of an email. Never edited; readers follow it."""

    class Kind(models.TextChoices):
        SENT = "sent", "Sent"
        OPENED = "opened", "Opened"
        CLICKED = "clicked", "Clicked"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Reported as spam"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"

    class Severity(models.TextChoices):
        """What a bounce says about the address."""

        HARD = "hard", "The address does not exist"
        SOFT = "soft", "The address takes no emails at the moment"
        OTHER = "other", "Nothing: it is about the email itself"

    email = models.ForeignKey(Email, models.CASCADE, related_name="events")
    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="email_events",
        db_index=False,  # email_events_of_a_contact
    )
    template = models.ForeignKey(
        Template,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,  # email_events_of_a_template
    )
    kind = models.CharField("what", max_length=20, choices=Kind.choices)
    at = models.DateTimeField("time", default=timezone.now)
    # Of a click, where it led; of a bounce, what the mail server said.
    detail = models.TextField(blank=True)
    # Of a bounce, whether any further email would come back as well.
    severity = models.CharField(max_length=10, choices=Severity.choices, blank=True)
    # Whether it looks like a program that follows links and loads pictures before people do.
    by_robot = models.BooleanField("by a program", default=False)
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "event of an email"
        verbose_name_plural = "events of emails"
        indexes = [
            models.Index(fields=["contact", "-at", "-id"], name="email_events_of_a_contact"),
            models.Index(fields=["template", "kind", "-at"], name="email_events_of_a_template"),
            models.Index(fields=["recorded_in", "id"], name="email_events_as_readers_read"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_kind_display()}"


class Suppression(models.Model):
    """An address that no email goes to, because its mail server or its owner wants none."""

    class Reason(models.TextChoices):
        BOUNCED = "bounced", "The address does not exist"
        COMPLAINED = "complained", "The owner reported an email as spam"
        UNSUBSCRIBED = "unsubscribed", "The owner unsubscribed at the provider"
        USER = "user", "A user of the admin"

    email_key = models.CharField("email", max_length=254, unique=True)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    detail = models.TextField(blank=True)
    at = models.DateTimeField("since", default=timezone.now)

    class Meta:
        verbose_name = "suppressed address"
        verbose_name_plural = "suppressed addresses"

    def __str__(self) -> str:
        return self.email_key
