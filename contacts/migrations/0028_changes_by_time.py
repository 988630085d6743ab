from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # It reads a table that may be large, while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0027_changes_of_an_import")]

    operations = [
        AddIndexConcurrently(
            model_name="contactchange",
            index=models.Index(fields=["at", "id"], name="changes_by_time"),
        ),
    ]
