from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # It reads a table that may be large, while the hub goes on.
    atomic = False

    dependencies = [("automations", "0003_state_changes")]

    operations = [
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                fields=["version", "step"],
                condition=models.Q(status__in=["running", "paused"]),
                name="runs_inside_a_version",
            ),
        ),
    ]
