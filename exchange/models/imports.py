"""Imports: a file of contacts or of activities, how far it is, and what became of its rows."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from jobs.models import Waiting

OUTCOMES = ("create", "update", "merge", "unchanged", "reject")


class ImportQuerySet(models.QuerySet):
    def waiting(self):
        """Imports that a worker has to do something about."""
        return self.filter(status__in=Import.GOING_ON)


class Import(Waiting):
    """Rows of a file that become contacts, or activities of contacts: checked, brought in, undone.

    A row counts once: as a contact that is created, updated or unchanged, as `merge` if it is
    another row of such a contact or names two contacts at once, else as `reject`.
    """

    class Kind(models.TextChoices):
        CONTACTS = "contacts", "Contacts"
        ACTIVITIES = "activities", "Activities"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        CHECKING = "checking", "Being checked"
        CHECKED = "checked", "Checked"
        IMPORTING = "importing", "Being imported"
        IMPORTED = "imported", "Imported"
        CANCELLED = "cancelled", "Cancelled"
        UNDOING = "undoing", "Being undone"
        PARTLY_UNDONE = "partly_undone", "Partly undone"
        UNDONE = "undone", "Undone"
        FAILED = "failed", "Failed"

    GOING_ON = (Status.CHECKING, Status.IMPORTING, Status.UNDOING)
    ENDED = (Status.IMPORTED, Status.CANCELLED, Status.PARTLY_UNDONE, Status.UNDONE)
    # What was begun, and ended so, can be undone, or the rest of it.
    UNDOABLE = (Status.IMPORTED, Status.CANCELLED, Status.FAILED, Status.PARTLY_UNDONE)

    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.CONTACTS)
    name = models.CharField("file", max_length=250, help_text="What the user called it.")
    # Below `DATA_DIR/imports`; empty once the file is deleted.
    path = models.CharField(max_length=250, blank=True, editable=False)
    sheet = models.CharField(max_length=250, blank=True, editable=False)
    size = models.PositiveBigIntegerField("bytes", default=0, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.UPLOADED)
    headers = models.JSONField(default=list, editable=False)
    mapping = models.JSONField(default=dict, editable=False)
    channel = models.ForeignKey(
        "channels.Channel",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The channel that activities are recorded in.",
    )
    # What a check found would become of the rows, and what has become of them.
    counts = models.JSONField(default=dict, editable=False)
    done = models.JSONField(default=dict, editable=False)
    # Why rows are rejected, and what was left out of rows that are not, grouped by what mends it.
    errors = models.JSONField(default=list, editable=False)
    warnings = models.JSONField(default=list, editable=False)
    # What the check tells beside the counts: `tags` as `tags.told_of`, `groups` as `lists.told_of`,
    # `consents` as their names, and how many contacts newly agree and withdraw.
    told = models.JSONField(default=dict, editable=False)
    # Of what goes on now: how far it is, and how far it goes (0: not known).
    position = models.BigIntegerField(default=0, editable=False)
    total = models.BigIntegerField(default=0, editable=False)
    # The last row, change or agreement that is done, and the part of an undo that goes on.
    cursor = models.BigIntegerField(default=0, editable=False)
    # Contacts are brought in, and taken back, in two halves at the same time: where the second one
    # begins, and the last row or change of it that is done.
    middle = models.BigIntegerField(default=0, editable=False)
    cursor_behind = models.BigIntegerField(default=0, editable=False)
    stage = models.CharField(max_length=20, blank=True, editable=False)
    # The name that the tables of this check end with, in which its rows wait.
    staged_as = models.CharField(max_length=40, blank=True, editable=False)
    # The request that all activities of this import are of.
    request_id = models.UUIDField(default=uuid.uuid4, editable=False)
    reason = models.TextField("why it failed", blank=True, editable=False)
    undone = models.JSONField(default=dict, editable=False)
    uploaded_at = models.DateTimeField("uploaded", default=timezone.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    checked_at = models.DateTimeField("checked", null=True, editable=False)
    started_at = models.DateTimeField("started", null=True, editable=False)
    finished_at = models.DateTimeField("ended", null=True, editable=False)
    undone_at = models.DateTimeField("undone", null=True, editable=False)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )

    objects = ImportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "sha256"],
                condition=models.Q(status="importing"),
                name="a_file_is_imported_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(
                    status__in=["importing", "imported", "undoing", "partly_undone", "undone"]
                )
                | models.Q(started_at__isnull=False),
                name="what_is_imported_was_started",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="contacts", channel__isnull=True)
                | (models.Q(kind="activities") & ~models.Q(status="importing"))
                | models.Q(kind="activities", channel__isnull=False),
                name="activities_are_imported_into_a_channel",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(status__in=["checking", "importing", "undoing"]),
                name="due_imports",
            ),
            models.Index(fields=["-uploaded_at", "-id"], name="imports_newest_first"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def file(self) -> Path | None:
        """Where the file is, or None if it was deleted."""
        return settings.DATA_DIR / "imports" / self.path if self.path else None

    @property
    def is_going_on(self) -> bool:
        """Whether a worker has something to do about it."""
        return self.status in self.GOING_ON

    @property
    def may_be_checked(self) -> bool:
        """Whether it can be checked, with this mapping or another one."""
        checkable = (self.Status.UPLOADED, self.Status.CHECKED, self.Status.FAILED)
        return self.status in checkable and self.started_at is None and bool(self.path)

    @property
    def may_be_imported(self) -> bool:
        """Whether its rows can be brought in."""
        return self.status == self.Status.CHECKED

    @property
    def may_be_cancelled(self) -> bool:
        """Whether there is something to cancel. What was imported stays, and can be undone.

        An undo that is cancelled has undone a part, and can go on.
        """
        return self.status not in self.ENDED and not self._has_failed_midway

    @property
    def may_be_undone(self) -> bool:
        """Whether it has brought in something that was not undone."""
        return self.status in self.UNDOABLE and self.started_at is not None

    @property
    def _has_failed_midway(self) -> bool:
        return self.status == self.Status.FAILED and self.started_at is not None


class KeptByUndo(models.Model):
    """That the undo of an import has left a contact alone, and why."""

    class Reason(models.TextChoices):
        ACTIVE = "active", "Did something since"
        CHANGED = "changed", "Was changed since"
        MERGED = "merged", "Was merged with another contact since"
        USED = (
            "used",
            "Is used by something else since, such as a note, a tag, an email or a run of an "
            "automation",
        )
        EMAIL_TAKEN = "email_taken", "Another contact has the email of before by now"
        REVOKED = "revoked", "A revocation of the import stays: an undo never agrees for anybody"

    source = models.ForeignKey(Import, models.CASCADE, related_name="kept")
    contact = ContactKey(
        on_merge=OnMerge.MOVE, on_erase=OnErase.DELETE, export=False, related_name="+"
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)

    class Meta:
        verbose_name = "kept contact"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.contact}: {self.get_reason_display()}"
