"""Merges as they are kept: what was asked for, what moved, and what was undone. Models alone."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from database.transaction_ids import CurrentTransactionId, TransactionIdField
from jobs.models import Waiting


class ContactMergeQuerySet(models.QuerySet):
    def open(self):
        """Merges that a worker or a person has yet to deal with."""
        return self.filter(status__in=[ContactMerge.Status.PENDING, ContactMerge.Status.REVIEW])


class ContactMerge(Waiting):
    """A request to merge two contacts, and what became of it."""

    class Reason(models.TextChoices):
        SAME_EMAIL = "same_email", "Gave the email of the other contact"
        MARKETER = "marketer", "Asked for in the admin"
        JOURNEY = "journey", "Went from one website to another"
        IDENTIFIER = "identifier", "Is the same user of a website or an app"
        SAME_PHONE = "same_phone", "Has the same phone number"
        SAME_NAME = "same_name", "Has the same name and company"
        SIMILAR_EMAIL = "similar_email", "Has a similar email"
        IMPORT = "import", "Is named together with the other in a row of an import"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for a worker"
        DONE = "done", "Done"
        REVIEW = "review", "Needs a decision"
        DISMISSED = "dismissed", "Kept apart"
        UNDONE = "undone", "Undone"

    survivor = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        db_index=False,
        related_name="merges_survived",
    )
    loser = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        db_index=False,
        related_name="merges_lost",
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    requested_at = models.DateTimeField("requested", default=timezone.now)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    loser_wins = ArrayField(
        models.CharField(max_length=50),
        default=list,
        db_default=[],
        blank=True,
        help_text="The fields in which the values of the merged contact win.",
    )
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    survivor_before = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    loser_before = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    moved = models.JSONField(
        default=dict, blank=True, help_text="How many rows went to the survivor, by table."
    )
    detail = models.TextField(blank=True)
    # Imports are of a room above.
    import_id = models.BigIntegerField(
        null=True, editable=False, help_text="The import that asked for it."
    )
    # Transactions that were running when the merge ended may still add rows to the loser. All of
    # them have ids below this one; when they are over, and their rows moved, the merge is settled.
    settles_at_transaction = models.BigIntegerField(null=True, editable=False)
    is_settled = models.BooleanField(default=False, editable=False)
    # The transaction that carried it out, and its place among the merges that were: by a trigger.
    recorded_in = TransactionIdField("transaction", null=True, editable=False)
    done_as = models.BigIntegerField("number among those that are done", null=True, editable=False)

    objects = ContactMergeQuerySet.as_manager()

    class Meta:
        verbose_name = "merge"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(survivor=models.F("loser")), name="a_merge_is_between_two"
            ),
            models.UniqueConstraint(
                fields=["survivor", "loser"],
                condition=models.Q(status__in=["pending", "review"]),
                name="one_open_merge_per_pair",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="pending"), name="due_merges"
            ),
            models.Index(
                fields=["due_at"],
                condition=models.Q(status="done", is_settled=False),
                name="due_settling_of_merges",
            ),
            models.Index(fields=["-requested_at", "-id"], name="merge_newest_first"),
            models.Index(
                fields=["survivor", "-requested_at", "-id"], name="merges_that_one_survived"
            ),
            models.Index(fields=["loser", "-requested_at", "-id"], name="merges_that_one_lost"),
            models.Index(fields=["recorded_in", "done_as"], name="merges_as_readers_read"),
            # What waits for a decision, or was decided, is little of all that was merged.
            models.Index(
                fields=["reason", "-id"],
                condition=models.Q(status="review"),
                name="merges_to_decide",
            ),
            models.Index(
                fields=["import_id"],
                condition=models.Q(import_id__isnull=False),
                name="merges_by_an_import",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loser} into {self.survivor}"


class MovedRows(models.Model):
    """Rows that a merge moved to the survivor, so that they can be moved back."""

    merge = models.ForeignKey(ContactMerge, models.CASCADE, related_name="moved_rows")
    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        related_name="+",
        help_text="Whose they were before.",
    )
    key = models.CharField(
        max_length=100, help_text="The key that was changed, such as activities.activity.contact."
    )
    rows = ArrayField(models.BigIntegerField(), help_text="The ids of the rows.")
    # None: before this was kept.
    at = models.DateTimeField("time", null=True, editable=False, db_default=Now())

    class Meta:
        verbose_name_plural = "moved rows"

    def __str__(self) -> str:
        return f"{len(self.rows)} of {self.key}"


class UndoneMerge(Waiting):
    """That a merge was undone, when, by whom, and what came of it. Readers follow it.

    What was on its way to the survivor meanwhile, and what is too much for one transaction, a
    worker gives back afterwards, until it `is_settled`.
    """

    merge = models.OneToOneField(ContactMerge, models.CASCADE, related_name="undone")
    at = models.DateTimeField("undone", default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    restored = models.JSONField(help_text="How many rows went back, by table; and which fields.")
    not_restored = models.JSONField(help_text="What did not go back, how much of it, and why.")
    settles_at_transaction = models.BigIntegerField(null=True, editable=False)
    is_settled = models.BooleanField(default=False, editable=False)
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "undone merge"
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(is_settled=False),
                name="due_settling_of_undone",
            ),
            models.Index(fields=["recorded_in", "id"], name="undone_as_readers_read"),
        ]

    def __str__(self) -> str:
        return f"Undone: {self.merge}"


class DuplicateSearch(Waiting):
    """One look through all contacts for those who may be one person, and how far it is."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Searching"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    requested_at = models.DateTimeField("requested", default=timezone.now)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField("started", null=True)
    finished_at = models.DateTimeField("finished", null=True)
    # How many pairs were held, by reason: those reasons that are here have been looked for.
    found = models.JSONField(default=dict)

    class Meta:
        verbose_name = "search for duplicates"
        verbose_name_plural = "searches for duplicates"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=models.Q(status="waiting"),
                name="one_search_for_duplicates_waits",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "running"], finished_at__isnull=True)
                | models.Q(status__in=["done", "cancelled"], finished_at__isnull=False),
                name="a_search_goes_on_until_it_is_finished",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(status__in=["waiting", "running"]),
                name="due_searches_for_duplicates",
            )
        ]

    def __str__(self) -> str:
        return f"Search of {timezone.localtime(self.requested_at):%d %b %Y %H:%M}"
