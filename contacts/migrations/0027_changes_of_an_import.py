from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # They read tables that may be large, while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0026_changes_by_imports")]

    operations = [
        AddIndexConcurrently(
            model_name="contactchange",
            index=models.Index(
                fields=["import_id", "id"],
                condition=models.Q(("import_id__isnull", False)),
                name="changes_by_an_import",
            ),
        ),
        AddIndexConcurrently(
            model_name="contactmerge",
            index=models.Index(
                fields=["import_id"],
                condition=models.Q(("import_id__isnull", False)),
                name="merges_by_an_import",
            ),
        ),
        ValidateConstraint(model_name="contactchange", name="a_change_by_an_import_names_it"),
    ]
