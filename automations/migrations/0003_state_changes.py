import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("automations", "0002_emails_put_off_since")]

    operations = [
        migrations.CreateModel(
            name="StateChange",
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
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="automations.automation",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of an automation's state",
                "verbose_name_plural": "changes of automations' states",
                "indexes": [models.Index(fields=["due_at"], name="due_state_changes")],
            },
        ),
    ]
