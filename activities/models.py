"""What contacts did: the activity log, its types, and what was refused and why."""

import re
from collections.abc import Sequence

from django.contrib.postgres.indexes import BrinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from activities.problems import Status
from activities.property_rules import PropertyRule
from activities.rejections import RejectedActivity, Replay
from activities.repairs import Correction, MappedName
from activities.sender_counts import SenderCount
from activities.system_types import SystemType
from contacts.keys import ContactKey, OnErase, OnMerge
from database.letter_case import Fold
from database.transaction_ids import CurrentTransactionId, TransactionIdField
from jobs.models import Waiting
from web.doors import naming_choices

# Models with modules of their own are found here, too.
__all__ = [
    "Activity",
    "ActivityClaim",
    "ActivityCount",
    "ActivityType",
    "ActivityTypeUse",
    "ContactSeen",
    "Correction",
    "DataInput",
    "EventCount",
    "MappedName",
    "PropertyRule",
    "RecordedCount",
    "RejectedActivity",
    "Replay",
    "SenderCount",
    "SystemType",
]

_CODE_NAME = re.compile(r"[A-Za-z0-9_.-]+")


class ActivityTypeQuerySet(models.QuerySet):
    def with_code_name(self, code_name: str):
        """The type with this code name, whatever the case of its letters."""
        return self.filter(code_name__fold=code_name)


class ActivityType(models.Model):
    """A kind of thing that contacts do."""

    class Action(models.TextChoices):
        """What becomes of an activity whose properties break a rule."""

        ACCEPT = "accept", "Accept the activity as it is"
        LEAVE_OUT = "leave_out", "Accept the activity without the property"
        REJECT = "reject", "Reject the activity"

    name = models.CharField(
        "activity type name",
        max_length=250,
        help_text="What the activity log calls it, such as “Loan calculator usage”.",
    )
    code_name = models.CharField(
        max_length=250,
        help_text="Applications send this as the “type”. Letter case makes no difference.",
    )
    description = models.TextField(
        blank=True, help_text="What it is for and what is tracked, for the other marketers."
    )
    enabled = models.BooleanField(
        default=True, help_text="Switch off to refuse activities of this type from now on."
    )
    is_system = models.BooleanField("system type", default=False, editable=False)
    door = models.CharField(
        "first seen in",
        max_length=20,
        choices=naming_choices,
        blank=True,
        editable=False,
        help_text="Empty: it was made here.",
    )
    goal = models.BooleanField(
        default=False,
        help_text="Whether an activity of this type is a success, such as a purchase. Automations "
        "count how many contacts come to one.",
    )
    whitelisted = models.BooleanField(
        default=False,
        help_text="Offered by name, as in the list of event names of the API.",
    )
    on_missing = models.CharField(
        "a required property is missing",
        max_length=20,
        choices=[(action.value, action.label) for action in (Action.ACCEPT, Action.REJECT)],
        default=Action.ACCEPT,
        help_text="In any case, the inspector says which one.",
    )
    on_wrong = models.CharField(
        "a property breaks its rule",
        max_length=20,
        choices=Action.choices,
        default=Action.ACCEPT,
        help_text="In any case, the inspector says what was expected.",
    )
    on_unspecified = models.CharField(
        "a property has no rule",
        max_length=20,
        choices=Action.choices,
        default=Action.ACCEPT,
        help_text="Matters as soon as the type has a rule.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # How often the type or one of its rules was changed: a trigger counts. What a process knows of
    # the type is true as long as this is the same.
    version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)

    # Set by the code that reads the type in order to check activities.
    rules: Sequence[PropertyRule] = ()

    objects = ActivityTypeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    on_missing__in=["accept", "reject"],
                    on_wrong__in=["accept", "leave_out", "reject"],
                    on_unspecified__in=["accept", "leave_out", "reject"],
                ),
                name="broken_rules_have_a_known_action",
            ),
            models.UniqueConstraint(
                Fold("code_name"),
                name="one_activity_type_per_code_name",
                violation_error_message="Another activity type has this code name.",
            ),
            models.CheckConstraint(
                condition=models.Q(is_system=models.Q(code_name__in=SystemType.values)),
                name="system_types_keep_their_code_names",
                violation_error_message="System types keep their code names.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # Event names that came through a door are kept as they are, with spaces and all.
        if not self.door and self.code_name and not _CODE_NAME.fullmatch(self.code_name):
            raise ValidationError(
                {"code_name": "Use letters, digits, underscores, dots and hyphens only."}
            )

    def delete(self, *args, **kwargs):
        if self.is_system:
            raise ValidationError("System activity types cannot be deleted.")
        return super().delete(*args, **kwargs)


class Activity(models.Model):
    """One thing that a contact did. The table is the log: rows are added, and stay as they are.

    There are two exceptions. A merge, or a data input that belonged to another person, gives a row
    another contact; `logged_as` keeps the GUID that it was reported under. Erasing the sender of
    such a data input takes the sender's GUIDs out of `logged_as`, `title`, `value`, `url`,
    `referrer` and `properties`.
    """

    type = models.ForeignKey(
        ActivityType, models.PROTECT, db_constraint=False, db_index=False, related_name="activities"
    )
    contact = ContactKey(
        on_merge=OnMerge.FOLLOW,
        on_erase=OnErase.DELETE,
        export=True,
        db_index=False,
        related_name="activities",
    )
    channel = models.ForeignKey(
        "channels.Channel", models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    tracked_site = models.ForeignKey(
        "crosssite.TrackedSite",
        models.PROTECT,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    title = models.TextField()
    value = models.CharField(max_length=250, blank=True)
    url = models.TextField("URL", blank=True)
    referrer = models.TextField(blank=True)
    properties = models.JSONField(null=True)
    occurred_at = models.DateTimeField("time")
    recorded_at = models.DateTimeField("recorded")
    logged_as = models.UUIDField("logged under GUID")
    client_id = models.UUIDField("id given by the application", null=True)
    request_id = models.UUIDField("request id")
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "activity"
        verbose_name_plural = "activities"
        indexes = [
            # With the type, so that those of one type are found without reading the others.
            models.Index(
                fields=["contact", "-occurred_at", "-id", "type"], name="activities_of_a_contact"
            ),
            models.Index(fields=["type", "-occurred_at", "-id"], name="activities_of_a_type"),
            models.Index(
                fields=["channel", "-occurred_at", "-id", "type"], name="activities_of_a_channel"
            ),
            models.Index(fields=["-occurred_at", "-id"], name="activities_latest_first"),
            models.Index(fields=["request_id"], name="activities_of_a_request"),
            # Most activities are of no tracked site, and cost nothing here.
            models.Index(
                fields=["tracked_site", "-occurred_at", "-id"],
                condition=models.Q(tracked_site__isnull=False),
                name="activities_of_a_tracked_site",
            ),
            BrinIndex(
                fields=["occurred_at", "recorded_at"], autosummarize=True, name="activities_by_time"
            ),
            models.Index(fields=["recorded_in", "id"], name="activities_as_readers_read"),
        ]

    def __str__(self) -> str:
        return self.title


class ActivityClaim(models.Model):
    """An activity id that a client chose: the same one again, on the same channel, is a repeat."""

    pk = models.CompositePrimaryKey("channel_id", "client_id")
    channel = models.ForeignKey(
        "channels.Channel", models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    client_id = models.UUIDField()
    activity_id = models.BigIntegerField()

    class Meta:
        verbose_name = "claimed activity id"

    def __str__(self) -> str:
        return str(self.client_id)


class DataInput(Waiting):
    """The contact fields that came with a data-input activity, and what became of them."""

    class Outcome(models.TextChoices):
        PENDING = "pending", "Waiting for a worker"
        APPLIED = "applied", "Applied to the contact"
        REDIRECTED = "redirected", "Applied to another contact, who has the given email"

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        db_index=False,
        related_name="data_inputs",
    )
    activity = models.OneToOneField(
        Activity, models.CASCADE, db_constraint=False, related_name="data_input"
    )
    fields = models.JSONField(help_text="Names and values as the contact has them.")
    sent_by = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.CLEAR,
        export=False,
        null=True,
        related_name="redirected_data_inputs",
        db_index=False,  # sent_by_others has those that there are
        help_text="The contact who sent the fields, if they belong to another by their email.",
    )
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.PENDING)
    received_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True)
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome="pending", applied_at__isnull=True)
                | (~models.Q(outcome="pending") & models.Q(applied_at__isnull=False)),
                name="a_data_input_is_pending_until_applied",
            )
        ]
        indexes = [
            models.Index(fields=["contact", "activity"], name="data_inputs_of_a_contact"),
            models.Index(
                fields=["due_at"], condition=models.Q(outcome="pending"), name="due_data_inputs"
            ),
            models.Index(
                fields=["sent_by"],
                condition=models.Q(sent_by__isnull=False),
                name="sent_by_others",
            ),
        ]

    def __str__(self) -> str:
        return f"Data input of {self.contact}"


class RecordedCount(models.Model):
    """How many activities of a channel were recorded within an hour, as far as they were read."""

    pk = models.CompositePrimaryKey("channel_id", "hour")
    channel = models.ForeignKey(
        "channels.Channel", models.CASCADE, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = "recorded count"

    def __str__(self) -> str:
        return f"{self.count:,} at {self.hour:%d %b %Y %H:%M}"


class EventCount(models.Model):
    """How many activities of a channel had this status within an hour, other than `valid`.

    Those are what was recorded without remarks, and a reader counts what was recorded. Each
    connection counts in the `slot` of its own, so that they do not wait for each other.
    """

    pk = models.CompositePrimaryKey("channel_id", "hour", "status", "slot")
    channel = models.ForeignKey(
        "channels.Channel", models.CASCADE, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    status = models.CharField(max_length=20, choices=Status.choices)
    slot = models.PositiveSmallIntegerField()
    count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = "event count"

    def __str__(self) -> str:
        return f"{self.count:,} {self.status} at {self.hour:%d %b %Y %H:%M}"


class ActivityCount(models.Model):
    """How many activities of a type happened within a quarter of an hour, as far as they were read.

    Hours of every time zone are made of such quarters.
    """

    pk = models.CompositePrimaryKey("quarter", "type_id")
    quarter = models.DateTimeField()
    type = models.ForeignKey(ActivityType, models.CASCADE, db_index=False, related_name="+")
    count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = "activity count"

    def __str__(self) -> str:
        return f"{self.count:,} at {self.quarter:%d %b %Y %H:%M}"


class ActivityTypeUse(models.Model):
    """How many activities of a type there are, and when the last one happened.

    Not in the row of the type: every change of that sends processes to read its rules again.
    """

    type = models.OneToOneField(ActivityType, models.CASCADE, primary_key=True, related_name="use")
    count = models.PositiveBigIntegerField()
    last_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "use of an activity type"

    def __str__(self) -> str:
        return f"{self.count:,} of {self.type}"


class ContactSeen(models.Model):
    """When the oldest and the newest activity of a contact happened, as far as they were read.

    In the wide rows of contacts a batch took one and a half times as long, and up to three times
    the write-ahead log.
    """

    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        primary_key=True,
        related_name="seen",
    )
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        verbose_name = "seen contact"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first_seen__lte=models.F("last_seen")),
                name="nobody_is_seen_last_before_first",
            )
        ]
        indexes = [
            # The list of contacts in the order of their last activity.
            models.Index(fields=["-last_seen", "-contact"], name="contacts_last_seen_first")
        ]

    def __str__(self) -> str:
        return f"{self.contact}, last seen {self.last_seen:%d %b %Y %H:%M}"
