from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0011_merges_and_touched_for_readers")]

    operations = [
        AddIndexConcurrently(
            model_name="contactmerge",
            index=models.Index(fields=["recorded_in", "done_as"], name="merges_as_readers_read"),
        )
    ]
