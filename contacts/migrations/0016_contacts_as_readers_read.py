from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0015_transactions_of_contacts")]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                fields=["recorded_in", "id"],
                condition=models.Q(recorded_in__isnull=False),
                name="contacts_as_readers_read",
            ),
        )
    ]
