from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Both read tables that may be large, while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0021_undone_merges")]

    operations = [
        AddIndexConcurrently(
            model_name="contactmerge",
            index=models.Index(
                fields=["reason", "-id"],
                condition=models.Q(status="review"),
                name="merges_to_decide",
            ),
        ),
        ValidateConstraint(model_name="contactchange", name="a_change_by_a_merge_names_it"),
    ]
