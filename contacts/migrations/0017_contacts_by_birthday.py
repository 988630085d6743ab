from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import ExtractDay, ExtractMonth


class Migration(migrations.Migration):
    # The index is built while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0016_contacts_as_readers_read")]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                ExtractMonth("birthday"),
                ExtractDay("birthday"),
                condition=models.Q(birthday__isnull=False, merged_into__isnull=True),
                name="contacts_by_birthday",
            ),
        )
    ]
