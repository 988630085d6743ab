"""Files with what the hub knows of one person, who asked for it, and who took them."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from jobs.models import Waiting


class AccessFile(Waiting):
    """A file with one person's data: asked for, made by a worker, taken, and deleted again.

    The row stays when its file is deleted, until the person is erased: who took what is told.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", "Access: everything (Article 15)"
        PORTABILITY = "portability", "Portability: what was provided or observed (Article 20)"

    class Status(models.TextChoices):
        WAITING = "waiting", "Being made"
        READY = "ready", "Ready"
        CANCELLED = "cancelled", "Cancelled"
        DELETED = "deleted", "Deleted"

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="access_files",
        db_index=False,  # access_files_of_a_contact
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    status = models.CharField(
        "state", max_length=20, choices=Status.choices, default=Status.WAITING
    )
    requested_at = models.DateTimeField("asked for", default=timezone.now)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    # How many rows were written so far, and which table is being told.
    rows = models.PositiveBigIntegerField(default=0)
    doing = models.CharField(max_length=200, blank=True, editable=False)
    tables = models.JSONField(default=dict, help_text="How many rows it has, by table.")
    # What it is called where it is downloaded, and in the folder of the hub.
    name = models.CharField("file", max_length=100, blank=True)
    stored_as = models.CharField(max_length=100, blank=True, editable=False)
    size = models.PositiveBigIntegerField("bytes", null=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    finished_at = models.DateTimeField("made", null=True)
    expires_at = models.DateTimeField("kept until", null=True)
    # In a sentence: why the file is gone.
    reason = models.TextField(blank=True)
    downloads = models.PositiveIntegerField(default=0)
    downloaded_at = models.DateTimeField("last downloaded", null=True)
    downloaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    # The link for the person. Its token is signed over this; without it there is no link.
    link_key = models.CharField(max_length=64, blank=True, editable=False)
    link_expires_at = models.DateTimeField("link valid until", null=True)
    link_downloads = models.PositiveIntegerField("downloads by the link", default=0)
    link_used_at = models.DateTimeField("last downloaded by the link", null=True)

    class Meta:
        verbose_name = "access file"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="waiting", finished_at__isnull=True)
                | ~models.Q(status="waiting"),
                name="an_access_file_is_made_until_it_is_finished",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="ready")
                | (
                    ~models.Q(stored_as="")
                    & ~models.Q(sha256="")
                    & models.Q(finished_at__isnull=False, expires_at__isnull=False)
                ),
                name="an_access_file_that_is_ready_has_a_file_and_an_end",
            ),
            models.CheckConstraint(
                condition=models.Q(link_key="", link_expires_at__isnull=True)
                | (~models.Q(link_key="") & models.Q(link_expires_at__isnull=False)),
                name="a_link_to_an_access_file_ends",
            ),
        ]
        indexes = [
            models.Index(fields=["contact", "-id"], name="access_files_of_a_contact"),
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_access_files"
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(status="ready"),
                name="access_files_that_end",
            ),
        ]

    def __str__(self) -> str:
        at = timezone.localtime(self.requested_at)
        return f"{self.get_kind_display().partition(':')[0]} file of {at:%d %b %Y %H:%M}"

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded now."""
        return (
            self.status == self.Status.READY
            and self.expires_at is not None
            and self.expires_at > timezone.now()
        )

    @property
    def has_link(self) -> bool:
        """Whether the person can download it by a link now."""
        return (
            self.is_ready
            and bool(self.link_key)
            and self.link_expires_at is not None
            and self.link_expires_at > timezone.now()
        )
