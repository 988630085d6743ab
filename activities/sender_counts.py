"""How much each sender has sent, as rows."""

from django.db import models


class SenderCount(models.Model):
    """How much one sender has sent within an hour, and how much of it was refused.

    A sender is a format on a channel, with the key or of the tracked site that the requests had.
    """

    channel = models.ForeignKey(
        "channels.Channel", models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    door = models.CharField(max_length=50)
    # Without constraints: what is counted in the memory of a process may be older than a deletion.
    key = models.ForeignKey(
        "channels.ApiKey",
        models.CASCADE,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    tracked_site = models.ForeignKey(
        "crosssite.TrackedSite",
        models.CASCADE,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    hour = models.DateTimeField()
    recorded = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "channel", "door", "key", "tracked_site"],
                nulls_distinct=False,
                name="one_count_per_sender_and_hour",
            )
        ]

    def __str__(self) -> str:
        return f"{self.door}, {self.hour:%d %b %Y %H:%M}"
