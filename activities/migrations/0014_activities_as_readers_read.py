from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built while the hub goes on.
    atomic = False

    dependencies = [("activities", "0013_data_inputs_are_jobs")]

    operations = [
        AddIndexConcurrently(
            model_name="activity",
            index=models.Index(fields=["recorded_in", "id"], name="activities_as_readers_read"),
        )
    ]
