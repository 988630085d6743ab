from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built while the hub goes on.
    atomic = False

    dependencies = [("consents", "0007_transactions_of_agreements")]

    operations = [
        AddIndexConcurrently(
            model_name="consentagreement",
            index=models.Index(fields=["recorded_in", "id"], name="agreements_as_readers_read"),
        )
    ]
