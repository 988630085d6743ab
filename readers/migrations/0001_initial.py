import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models.functions import Now

import database.transaction_ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ReaderState",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("read_at", models.DateTimeField(null=True, verbose_name="last read something")),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=Now(), editable=False, verbose_name="next attempt"
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
            ],
            options={"verbose_name": "reader"},
        ),
        migrations.CreateModel(
            name="Epoch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("log", models.CharField(max_length=50)),
                ("ordinal", models.PositiveIntegerField()),
                ("system_identifier", models.BigIntegerField()),
                ("first", models.BigIntegerField()),
                ("horizon", database.transaction_ids.TransactionIdField()),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("log", "ordinal"), name="one_epoch_per_log_and_ordinal"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Position",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("log", models.CharField(max_length=50)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("recorded_in", database.transaction_ids.TransactionIdField(default="0")),
                ("number", models.BigIntegerField(default=0)),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="positions",
                        to="readers.readerstate",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("reader", "log"), name="one_position_per_reader_and_log"
                    )
                ],
            },
        ),
    ]
