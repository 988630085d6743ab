"""Destinations, and the messages that go out to them."""

import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from consents.models import Consent
from contacts.keys import ContactKey, OnErase, OnMerge
from database.transaction_ids import TransactionIdField
from destinations.sealing import SealedField
from groups.models import check_storable
from jobs.models import Waiting

CODE_NAME = RegexValidator(
    r"\A[A-Za-z0-9_.-]+\Z", "Use letters, digits, underscores, dots and hyphens only."
)


class _Undeleted(models.Manager):
    """Leaves out what users have deleted, and workers have not yet."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(deleted_at__isnull=True)


class Destination(models.Model):
    """Another system, and which part of what the hub records goes out to it."""

    class Type(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        SEGMENT = "segment", "Segment format"
        GA4 = "ga4", "Google Analytics 4"
        MIXPANEL = "mixpanel", "Mixpanel"
        FILE = "file", "Files"

    class Email(models.TextChoices):
        """How the email of a contact leaves the hub."""

        PLAIN = "plain", "As it is"
        SHA256 = "sha256", "As a hash (SHA-256)"
        NONE = "none", "Not at all"

    class Method(models.TextChoices):
        POST = "POST", "POST"
        PUT = "PUT", "PUT"
        PATCH = "PATCH", "PATCH"
        GET = "GET", "GET"
        DELETE = "DELETE", "DELETE"

    class PausedBy(models.TextChoices):
        """What has paused a destination."""

        USER = "user", "A user paused it"
        GONE = "gone", "It answered that it wants nothing any more (410)"
        FAILURES = "failures", "It has failed for five days"

    name = models.CharField("destination name", max_length=200, validators=[check_storable])
    code_name = models.CharField(
        max_length=200,
        validators=[CODE_NAME],
        help_text="Automations and configuration files name the destination by it.",
    )
    type = models.CharField("kind", max_length=20, choices=Type.choices, default=Type.WEBHOOK)
    enabled = models.BooleanField(
        default=False,
        help_text="Whether anything goes out. What happens while it is switched off never goes "
        "out; pause the destination to keep that for later.",
    )
    dry = models.BooleanField(
        "dry mode",
        default=False,
        help_text="Nothing goes out; the list of deliveries shows what would have.",
    )
    # What goes out. An activity type may be one that an event has yet to bring.
    activities = models.JSONField(
        "activity types", default=list, blank=True, help_text="Activities of these types go out."
    )
    groups = models.JSONField(
        default=list, blank=True, help_text="Who enters or leaves these groups goes out."
    )
    consents = models.JSONField(
        default=list, blank=True, help_text="Answers to these consents go out."
    )
    changes = models.BooleanField(
        "changes of contacts", default=False, help_text="Whether changed fields of contacts go out."
    )
    rule = models.JSONField(
        null=True, blank=True, help_text="Only what is about contacts who meet this rule goes out."
    )
    # About whom, and how much of them.
    consent = models.ForeignKey(
        Consent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Nothing about contacts who have not agreed to it goes out. Without a consent "
        "nobody is asked.",
    )
    fields = models.JSONField(
        "fields of contacts",
        null=True,
        blank=True,
        help_text="The fields that go out with each message, beside the GUID and the email; "
        "without a choice all of them.",
    )
    email = models.CharField(
        max_length=10,
        choices=Email.choices,
        default=Email.PLAIN,
        help_text="How the email of the contact goes out. Unless that is as it is, properties of "
        "activities that are marked as personal data do not go out either.",
    )
    # Where.
    url = models.TextField("address", blank=True)
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.POST)
    # Names and values; a value may be a credential.
    headers = SealedField(default=dict, blank=True)
    mapping = models.JSONField(null=True, blank=True)
    # What the kind needs besides, such as the measurement ID of GA4.
    options = models.JSONField(default=dict, blank=True)
    # What the kind needs and nobody reads again: write keys, tokens.
    credentials = SealedField(default=dict, blank=True)
    # Of a webhook: what its messages are signed with. The one before signs too, until then.
    secret = SealedField(default=str, blank=True)
    earlier_secret = SealedField(default=str, blank=True, editable=False)
    earlier_secret_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    # Since when it gets anything: what was recorded before does not go out. A trigger of the
    # database keeps both whenever it is switched on.
    enabled_at = models.DateTimeField("switched on", null=True, editable=False)
    enabled_in = TransactionIdField(null=True, editable=False)
    # While it is paused, what would go out waits.
    paused_at = models.DateTimeField("paused", null=True, editable=False)
    paused_by = models.CharField(
        max_length=20, choices=PausedBy.choices, blank=True, editable=False
    )
    # Then it is gone for everybody, and workers delete its deliveries and at last this row.
    deleted_at = models.DateTimeField("deleted", null=True, editable=False)

    objects = _Undeleted()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                condition=models.Q(deleted_at__isnull=True),
                name="one_destination_per_code_name",
                violation_error_message="Another destination has this code name.",
            ),
            models.CheckConstraint(
                condition=models.Q(paused_at__isnull=True, paused_by="")
                | (models.Q(paused_at__isnull=False) & ~models.Q(paused_by="")),
                name="a_paused_destination_says_by_what",
            ),
            models.CheckConstraint(
                condition=models.Q(earlier_secret_until__isnull=True, earlier_secret="")
                | (models.Q(earlier_secret_until__isnull=False) & ~models.Q(earlier_secret="")),
                name="an_earlier_secret_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=True) | models.Q(enabled=False),
                name="a_deleted_destination_is_off",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (deleted)" if self.deleted_at else self.name


class Queue(Waiting):
    """The deliveries of a destination that wait, for the worker that is at them: one at a time.

    It is due when the first of them is, but not while the destination rests after failures.
    """

    destination = models.OneToOneField(
        Destination, models.CASCADE, primary_key=True, related_name="queue"
    )
    # Whether any delivery waits, and the destination is not paused.
    has_work = models.BooleanField(default=False, editable=False)
    # Failures since the last delivery, and when the first and the last of them were.
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField("fails since", null=True, editable=False)
    last_delivered_at = models.DateTimeField("last delivered", null=True, editable=False)
    # Until then the destination is left alone: it asked for that, or has failed again and again.
    rests_until = models.DateTimeField(null=True, editable=False)
    # Until then a worker is at it, and no other one takes it up.
    served_until = models.DateTimeField(null=True, editable=False)
    # Whether the hub has paused it, and users have yet to be told by email.
    untold = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = "queue of a destination"
        verbose_name_plural = "queues of destinations"
        default_permissions = ()
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(has_work=True), name="due_queues")
        ]

    def __str__(self) -> str:
        return str(self.destination)


class Delivery(models.Model):
    """One message to one destination, with its payload as it was when it was made.

    The destination sees the same `message_id` at each attempt. When its contact is erased it loses
    payload and answer, and is skipped if it still waits; the database sees to that.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    class Kind(models.TextChoices):
        """What it tells; the texts of `type` in messages."""

        ACTIVITY = "activity", "Activity"
        ENTERED = "group.entered", "Entered a group"
        LEFT = "group.left", "Left a group"
        CONSENT = "consent", "Answer to a consent"
        CONTACT = "contact", "Changed contact"
        AUTOMATION = "automation", "Step of an automation"
        ERASURE = "erasure", "Request to delete"
        TEST = "test", "Test"

    destination = models.ForeignKey(
        Destination, models.CASCADE, related_name="deliveries", db_index=False
    )
    message_id = models.UUIDField("message ID", default=uuid.uuid4, unique=True)
    kind = models.CharField("what", max_length=20, choices=Kind.choices)
    # What it tells of, such as "activity:4711", so that nothing is told twice.
    source = models.CharField(max_length=100, editable=False)
    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.CLEAR,
        export=True,
        null=True,
        related_name="deliveries",
        db_index=False,
    )
    # What goes out: for a webhook the body, for the others their format of one event. None if
    # nothing may go out.
    payload = models.JSONField(null=True)
    # The fields of the contact whose values are in it. They stay when the payload is forgotten, so
    # that it can be told what has left the hub.
    contact_fields = models.JSONField(default=list, editable=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    # Why it was skipped, or has failed for good.
    reason = models.TextField(blank=True)
    occurred_at = models.DateTimeField("time")
    created_at = models.DateTimeField("created", default=timezone.now)
    due_at = models.DateTimeField("next attempt", default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    # Of the last attempt: when it was, what was answered, and what went wrong.
    attempted_at = models.DateTimeField("last attempt", null=True)
    answer_status = models.PositiveSmallIntegerField("answer", null=True)
    answer = models.TextField("text of the answer", blank=True)
    last_error = models.TextField(blank=True)
    delivered_at = models.DateTimeField("delivered", null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "destination"], name="a_destination_is_told_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status="delivered", delivered_at__isnull=False)
                | ~models.Q(status="delivered"),
                name="a_delivered_message_has_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["failed", "skipped"], reason=""),
                name="a_message_that_was_not_delivered_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="waiting", payload__isnull=True),
                name="a_waiting_message_has_a_payload",
            ),
        ]
        indexes = [
            models.Index(
                fields=["destination", "due_at", "id"],
                condition=models.Q(status="waiting"),
                name="waiting_deliveries",
            ),
            models.Index(fields=["destination", "-created_at", "-id"], name="deliveries_by_time"),
            models.Index(
                fields=["destination", "status", "-created_at", "-id"],
                condition=~models.Q(status="delivered"),
                name="deliveries_not_delivered",
            ),
            models.Index(fields=["-created_at", "-id"], name="deliveries_latest_first"),
            # For the lists of what is rare. Most deliveries tell of activities and arrive, and cost
            # nothing here.
            models.Index(
                fields=["status", "-created_at", "-id"],
                condition=models.Q(status__in=["failed", "skipped"]),
                name="deliveries_that_ended",
            ),
            models.Index(
                fields=["kind", "-created_at", "-id"],
                condition=~models.Q(kind="activity"),
                name="deliveries_of_other_kinds",
            ),
            models.Index(
                fields=["contact", "-created_at", "-id"],
                condition=models.Q(contact__isnull=False),
                name="deliveries_of_a_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.destination}"
