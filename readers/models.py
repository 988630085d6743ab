"""How far readers are, and since when the transaction ids of a log can be compared."""

from django.db import models
from django.utils import timezone

from database.transaction_ids import TransactionIdField
from jobs.models import Waiting


class ReaderState(Waiting):
    """How a reader is doing. Its row is locked while it reads, so it reads in one worker only."""

    name = models.CharField(max_length=50, primary_key=True)
    read_at = models.DateTimeField("last read something", null=True)

    class Meta:
        verbose_name = "reader"

    def __str__(self) -> str:
        return self.name


class Position(models.Model):
    """The last row of a log that a reader has read; it moves together with what the reader wrote.

    Before the first epoch of a log rows are read by their number alone.
    """

    reader = models.ForeignKey(ReaderState, models.CASCADE, related_name="positions")
    log = models.CharField(max_length=50)
    epoch = models.PositiveIntegerField(default=0)
    recorded_in = TransactionIdField(default="0")
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reader", "log"], name="one_position_per_reader_and_log"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reader_id} in {self.log}"


class Epoch(models.Model):
    """A part of a log in which transaction ids tell which row came first.

    A dump that is restored into another database cluster brings the ids of the old one along, and
    there they mean nothing. So what is recorded in a cluster, which `system_identifier` names, is
    an epoch of its own. Its rows have numbers from `first` on.
    """

    log = models.CharField(max_length=50)
    ordinal = models.PositiveIntegerField()
    system_identifier = models.BigIntegerField()
    first = models.BigIntegerField()
    # Rows with lower numbers may still be under way in transactions below this one.
    horizon = TransactionIdField()
    began_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "ordinal"], name="one_epoch_per_log_and_ordinal")
        ]

    def __str__(self) -> str:
        return f"Epoch {self.ordinal} of {self.log}"
