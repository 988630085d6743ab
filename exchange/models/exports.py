"""Exports: files of the rows of a list, and the log of who took what."""

import uuid

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone

from jobs.models import Waiting


class Export(Waiting):
    """A file of all rows that the filters of a list found: a user asked for it.

    A worker goes by the ids of rows, and `last_row` is the last that it has come to. What the list
    finds, and what the user may see, is asked again for each portion. The row stays when its file
    is deleted: it is the log.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Being made"
        DONE = "done", "Ready"
        CANCELLED = "cancelled", "Cancelled"
        STOPPED = "stopped", "Stopped"
        DELETED = "deleted", "File deleted"

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "Excel (XLSX)"
        NDJSON = "ndjson", "NDJSON"
        PARQUET = "parquet", "Parquet"

    list_of = models.CharField(
        "list", max_length=100, help_text="The model of its rows: contacts.contact."
    )
    query = models.TextField(blank=True, help_text="The filters, as the address of the list has.")
    filters = models.TextField("filter", blank=True, help_text="The same in words.")
    format = models.CharField(max_length=10, choices=Format.choices)
    columns = models.JSONField(help_text="Of each column its name, its title and its kind.")
    options = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="by"
    )
    # The log says who it was when the user is gone.
    by_name = models.CharField("user", max_length=150)
    is_masked = models.BooleanField(
        "masked", default=False, help_text="Whether personal data was hidden from the user."
    )
    status = models.CharField(
        "state", max_length=20, choices=Status.choices, default=Status.WAITING
    )
    reason = models.TextField("why", blank=True)
    requested_at = models.DateTimeField("asked for", default=timezone.now)
    finished_at = models.DateTimeField("ended", null=True)
    expires_at = models.DateTimeField("is kept until", null=True)
    # The highest id that there was when it was asked for.
    end = models.BigIntegerField(editable=False)
    last_row = models.BigIntegerField(default=0, editable=False)
    # How much of the file is part of it: what a worker that died wrote behind that is not.
    written = models.PositiveBigIntegerField(default=0, editable=False)
    gathered_at = models.DateTimeField(null=True, editable=False)
    found = models.PositiveBigIntegerField("rows", default=0)
    cut = models.PositiveBigIntegerField("texts that were cut", default=0)
    file = models.UUIDField(default=uuid.uuid4, editable=False)
    size = models.PositiveBigIntegerField("bytes", default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    downloads = models.PositiveIntegerField(default=0)
    downloaded_at = models.DateTimeField("last download", null=True)

    class Meta:
        permissions = [("see_all_exports", "Can see the exports of all users")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="waiting", finished_at__isnull=True)
                | (~models.Q(status="waiting") & models.Q(finished_at__isnull=False)),
                name="an_export_goes_on_until_it_is_finished",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="done")
                | (~models.Q(sha256="") & models.Q(expires_at__isnull=False)),
                name="a_file_that_is_ready_has_a_hash_and_an_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_exports"
            ),
            models.Index(fields=["by", "-id"], name="exports_of_a_user"),
            models.Index(
                fields=["expires_at"], condition=models.Q(status="done"), name="exports_to_delete"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_format_display()} of {self.rows_name}"

    @property
    def rows_name(self) -> str:
        """What its rows are called, such as “contacts”."""
        model = self.model
        return str(model._meta.verbose_name_plural) if model else self.list_of

    @property
    def model(self) -> type[models.Model] | None:
        """The model of its rows; None if there is no such list any more."""
        try:
            return apps.get_model(self.list_of)
        except (LookupError, ValueError):
            return None
