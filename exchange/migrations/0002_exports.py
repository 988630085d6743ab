import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0001_imports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="next attempt",
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        db_default=0, default=0, editable=False, verbose_name="failed attempts"
                    ),
                ),
                (
                    "last_error",
                    models.TextField(blank=True, db_default="", default="", editable=False),
                ),
                (
                    "list_of",
                    models.CharField(
                        help_text="The model of its rows: contacts.contact.",
                        max_length=100,
                        verbose_name="list",
                    ),
                ),
                (
                    "query",
                    models.TextField(
                        blank=True, help_text="The filters, as the address of the list has."
                    ),
                ),
                (
                    "filters",
                    models.TextField(
                        blank=True, help_text="The same in words.", verbose_name="filter"
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[
                            ("csv", "CSV"),
                            ("xlsx", "Excel (XLSX)"),
                            ("ndjson", "NDJSON"),
                            ("parquet", "Parquet"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "columns",
                    models.JSONField(help_text="Of each column its name, its title and its kind."),
                ),
                ("options", models.JSONField(default=dict)),
                ("by_name", models.CharField(max_length=150, verbose_name="user")),
                (
                    "is_masked",
                    models.BooleanField(
                        default=False,
                        help_text="Whether personal data was hidden from the user.",
                        verbose_name="masked",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Being made"),
                            ("done", "Ready"),
                            ("cancelled", "Cancelled"),
                            ("stopped", "Stopped"),
                            ("deleted", "File deleted"),
                        ],
                        default="waiting",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="why")),
                (
                    "requested_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="asked for"
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True, verbose_name="ended")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="is kept until")),
                ("end", models.BigIntegerField(editable=False)),
                ("last_row", models.BigIntegerField(default=0, editable=False)),
                ("written", models.PositiveBigIntegerField(default=0, editable=False)),
                ("gathered_at", models.DateTimeField(editable=False, null=True)),
                ("found", models.PositiveBigIntegerField(default=0, verbose_name="rows")),
                (
                    "cut",
                    models.PositiveBigIntegerField(default=0, verbose_name="texts that were cut"),
                ),
                ("file", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="bytes")),
                (
                    "sha256",
                    models.CharField(blank=True, max_length=64, verbose_name="SHA-256"),
                ),
                ("downloads", models.PositiveIntegerField(default=0)),
                ("downloaded_at", models.DateTimeField(null=True, verbose_name="last download")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "permissions": [("see_all_exports", "Can see the exports of all users")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "waiting")),
                        fields=["due_at"],
                        name="due_exports",
                    ),
                    models.Index(fields=["by", "-id"], name="exports_of_a_user"),
                    models.Index(
                        condition=models.Q(("status", "done")),
                        fields=["expires_at"],
                        name="exports_to_delete",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("status", "waiting")),
                            models.Q(
                                models.Q(("status", "waiting"), _negated=True),
                                ("finished_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="an_export_goes_on_until_it_is_finished",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "done"), _negated=True),
                            models.Q(
                                models.Q(("sha256", ""), _negated=True),
                                ("expires_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="a_file_that_is_ready_has_a_hash_and_an_end",
                    ),
                ],
            },
        ),
    ]
