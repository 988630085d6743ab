from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# The index of before serves until the other one is built, while the hub goes on.
RENAME = "ALTER INDEX IF EXISTS activities_of_a_contact RENAME TO activities_of_a_contact_before"
RENAME_BACK = "ALTER INDEX activities_of_a_contact_before RENAME TO activities_of_a_contact"
DROP = "DROP INDEX CONCURRENTLY IF EXISTS activities_of_a_contact_before"
MAKE = """
CREATE INDEX CONCURRENTLY activities_of_a_contact_before
ON activities_activity (contact_id, occurred_at DESC, id DESC)
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("activities", "0017_who_sent_data_inputs_of_others")]

    operations = [
        migrations.RunSQL(
            RENAME,
            RENAME_BACK,
            state_operations=[migrations.RemoveIndex("activity", "activities_of_a_contact")],
        ),
        AddIndexConcurrently(
            model_name="activity",
            index=models.Index(
                fields=["contact", "-occurred_at", "-id", "type"], name="activities_of_a_contact"
            ),
        ),
        migrations.RunSQL(DROP, MAKE),
    ]
