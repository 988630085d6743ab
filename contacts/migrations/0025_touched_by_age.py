"""Readers learn which contacts were touched only because old activities were deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0024_erasures_are_checked")]

    operations = [
        migrations.AddField(
            model_name="touched",
            name="aged",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
