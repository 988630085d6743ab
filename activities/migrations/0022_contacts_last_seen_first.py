from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("activities", "0021_lines_of_a_cause")]

    operations = [
        AddIndexConcurrently(
            model_name="contactseen",
            index=models.Index(fields=["-last_seen", "-contact"], name="contacts_last_seen_first"),
        ),
    ]
