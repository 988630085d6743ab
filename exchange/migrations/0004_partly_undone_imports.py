from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0003_remembered_mappings")]

    operations = [
        migrations.AlterField(
            model_name="import",
            name="status",
            field=models.CharField(
                choices=[
                    ("uploaded", "Uploaded"),
                    ("checking", "Being checked"),
                    ("checked", "Checked"),
                    ("importing", "Being imported"),
                    ("imported", "Imported"),
                    ("cancelled", "Cancelled"),
                    ("undoing", "Being undone"),
                    ("partly_undone", "Partly undone"),
                    ("undone", "Undone"),
                    ("failed", "Failed"),
                ],
                default="uploaded",
                max_length=20,
            ),
        ),
        migrations.RemoveConstraint(model_name="import", name="what_is_imported_was_started"),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=~models.Q(
                    status__in=["importing", "imported", "undoing", "partly_undone", "undone"]
                )
                | models.Q(started_at__isnull=False),
                name="what_is_imported_was_started",
            ),
        ),
    ]
