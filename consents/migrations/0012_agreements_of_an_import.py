from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # It reads a table that may be large, while the hub goes on.
    atomic = False

    dependencies = [("consents", "0011_agreements_by_imports")]

    operations = [
        AddIndexConcurrently(
            model_name="consentagreement",
            index=models.Index(
                fields=["import_id", "id"],
                condition=models.Q(("import_id__isnull", False)),
                name="agreements_by_an_import",
            ),
        )
    ]
