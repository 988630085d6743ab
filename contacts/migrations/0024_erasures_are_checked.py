from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    # It reads a table that may be large, while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0023_erasures")]

    operations = [
        ValidateConstraint(
            model_name="contact", name="only_who_is_being_erased_is_merged_into_itself"
        ),
    ]
