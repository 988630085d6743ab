"""What waits for a worker."""

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Least, Now
from django.utils import timezone

# So many fit into the column; a reader that fails every ten minutes gets there in 228 days.
_MOST_ATTEMPTS = 32_767


class Waiting(models.Model):
    """A row that a worker still has to do something about, or had.

    A row is due at `due_at`. A worker that takes it up sets that to a minute ahead, so that no
    other one does the same meanwhile; one that cannot do it, further and further with each attempt.
    """

    due_at = models.DateTimeField("next attempt", db_default=Now(), editable=False)
    attempts = models.PositiveSmallIntegerField(
        "failed attempts", default=0, db_default=0, editable=False
    )
    last_error = models.TextField(default="", db_default="", blank=True, editable=False)

    class Meta:
        abstract = True

    @staticmethod
    def one_attempt_more() -> Least:
        """What `attempts` becomes after another failure."""
        return Least(F("attempts") + 1, _MOST_ATTEMPTS)


class Chore(Waiting):
    """When work that comes round is due again, and when it was last done."""

    name = models.CharField(max_length=100, unique=True)
    done_at = models.DateTimeField("last done", null=True, editable=False)

    class Meta:
        verbose_name = "piece of work"
        verbose_name_plural = "pieces of work"

    def __str__(self) -> str:
        return self.name


class BulkAction(Waiting):
    """That something is done to all rows that the filters of a list found: a user asked for it.

    A worker goes by the ids of rows, and `last_row` is the last that it has come to. What the list
    finds, and what the user may see and do, is asked again for each portion.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        STOPPED = "stopped", "Stopped"

    kind = models.CharField("action", max_length=100)
    list_of = models.CharField(
        "list", max_length=100, help_text="The model of its rows: contacts.contact."
    )
    query = models.TextField(help_text="The filters, as the address of the list has them.")
    filters = models.TextField(blank=True, default="", help_text="The same in words.")
    options = models.JSONField(default=dict)
    says = models.CharField("what", max_length=250)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="by"
    )
    requested_at = models.DateTimeField("asked for", default=timezone.now)
    finished_at = models.DateTimeField("ended", null=True)
    # The highest id that there was when it was asked for: how far it is, is told by that.
    end = models.BigIntegerField(editable=False)
    last_row = models.BigIntegerField(default=0, editable=False)
    found = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    # The first of what could not be done: ids of rows, and a sentence for each.
    failures = models.JSONField(default=list, editable=False)
    reason = models.TextField("why it stopped", blank=True)

    class Meta:
        verbose_name = "bulk action"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="waiting", finished_at__isnull=True)
                | (~models.Q(status="waiting") & models.Q(finished_at__isnull=False)),
                name="a_bulk_action_goes_on_until_it_is_finished",
            ),
            models.CheckConstraint(
                condition=~models.Q(query=""), name="a_bulk_action_is_for_what_filters_find"
            ),
            models.CheckConstraint(
                condition=models.Q(found__gte=models.F("changed") + models.F("failed")),
                name="no_bulk_action_changes_more_than_it_finds",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_bulk_actions"
            ),
            models.Index(fields=["by", "-id"], name="bulk_actions_of_a_user"),
        ]

    def __str__(self) -> str:
        return self.says
