"""The lines of the inspector, and what records them again, as rows."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils import timezone

from activities.problems import Status
from jobs.models import Waiting


class RejectedActivity(models.Model):
    """A line of the inspector: an activity, or a request, that was refused or not as it should be.

    What was recorded without any remark is in the log alone, unless its sender marked it as a test.
    A line whose `context` is known can be recorded again: see `activities.replaying`.
    """

    class Replayed(models.TextChoices):
        """What became of a line that was replayed."""

        NOT = "", "Not replayed"
        RECORDED = "recorded", "Recorded"
        REPEATED = "repeated", "Already there"
        FAILED = "failed", "Refused again"

    # What became of those of which the log has the activity by now.
    LET_IN = (Replayed.RECORDED, Replayed.REPEATED)

    status = models.CharField(
        max_length=20, choices=Status.choices, default=Status.INVALID_REJECTED
    )
    at = models.DateTimeField("time", default=timezone.now)
    code = models.SlugField("reason code", max_length=50)
    reason = models.TextField()
    field = models.CharField(max_length=100, blank=True)
    # What the activity called its type. Lines with the same code, field and name have one cause.
    named = models.CharField("type as sent", max_length=250, blank=True, db_default="")
    door = models.CharField(max_length=50)
    channel = models.ForeignKey(
        "channels.Channel", models.CASCADE, null=True, db_index=False, related_name="+"
    )
    contact_guid = models.CharField("contact GUID", max_length=36, blank=True)
    request_id = models.UUIDField("request id", db_index=True)
    test_code = models.CharField(
        max_length=100, blank=True, help_text="The mark by which its sender finds a test event."
    )
    payload = models.BinaryField(help_text="What was sent, as it came, cut at the kept length.")
    payload_length = models.PositiveBigIntegerField(help_text="Bytes that were sent.")
    # The payload as people read it, for search: escapes resolved, what is no text left out.
    payload_text = models.TextField(blank=True)
    # What its door needs beside the payload to read it again; null if it cannot be read again.
    context = models.JSONField(null=True, editable=False)
    replay = models.ForeignKey(
        "activities.Replay", models.SET_NULL, null=True, db_index=False, related_name="lines"
    )
    replayed = models.CharField(
        "replay", max_length=20, choices=Replayed.choices, blank=True, db_default=""
    )
    replayed_as = models.BigIntegerField("activity", null=True)
    replay_code = models.CharField("reason code now", max_length=50, blank=True, db_default="")
    replay_reason = models.TextField("reason now", blank=True, db_default="")

    class Meta:
        verbose_name = "inspector line"
        verbose_name_plural = "inspector lines"
        permissions = [("replay_rejectedactivity", "Can replay inspector lines")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(replayed="recorded") | models.Q(replayed_as__isnull=False),
                name="a_replayed_line_leads_to_its_activity",
            ),
            models.UniqueConstraint(
                fields=["replayed_as"],
                condition=models.Q(replayed="recorded"),
                name="an_activity_comes_from_one_line",
            ),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="rejection_newest_first"),
            models.Index(fields=["contact_guid"], name="rejections_of_a_contact"),
            models.Index(fields=["channel", "-at", "-id"], name="rejections_of_a_channel"),
            models.Index(fields=["code", "named", "at", "id"], name="rejections_of_a_cause"),
            models.Index(
                fields=["replay", "replayed"],
                condition=models.Q(replay__isnull=False),
                name="rejections_of_a_replay",
            ),
            GinIndex(SearchVector("payload_text", config="simple"), name="rejection_words"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.at:%d %b %Y %H:%M:%S})"


class Replay(Waiting):
    """A user asked for lines of one cause to be recorded again, or for one line.

    The lines are those that there were then: up to the id `newest`. They are taken in the order in
    which they came, and `position_at` with `position_id` is the last one that was.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"

    door = models.CharField(max_length=50)
    channel = models.ForeignKey("channels.Channel", models.CASCADE, related_name="+")
    code = models.CharField("reason code", max_length=50)
    field = models.CharField(max_length=100, blank=True)
    named = models.CharField("type as sent", max_length=250, blank=True)
    line = models.BigIntegerField("only this line", null=True)
    newest = models.BigIntegerField()
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    total = models.PositiveBigIntegerField("lines")
    recorded = models.PositiveBigIntegerField(default=0)
    repeated = models.PositiveBigIntegerField("already there", default=0)
    failed = models.PositiveBigIntegerField("refused again", default=0)
    position_at = models.DateTimeField(null=True, editable=False)
    position_id = models.BigIntegerField(default=0, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    requested_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="waiting", finished_at__isnull=True)
                | (~models.Q(status="waiting") & models.Q(finished_at__isnull=False)),
                name="a_replay_waits_until_it_is_over",
            ),
            models.UniqueConstraint(
                fields=["door", "channel", "code", "field", "named", "line"],
                condition=models.Q(status="waiting"),
                nulls_distinct=False,
                name="one_waiting_replay_per_cause",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_replays"
            )
        ]

    def __str__(self) -> str:
        return f"Replay of {self.code} ({self.requested_at:%d %b %Y %H:%M})"

    @property
    def done(self) -> int:
        """How many lines it has dealt with."""
        return self.recorded + self.repeated + self.failed
