from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Its indexes read tables that may be large, while the hub goes on.
    atomic = False

    dependencies = [("contacts", "0028_changes_by_time")]

    operations = [
        migrations.AddField(
            model_name="tag",
            name="import_id",
            field=models.BigIntegerField(
                editable=False, help_text="The import that has made it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="contacttag",
            name="import_id",
            field=models.BigIntegerField(
                editable=False, help_text="The import that has given it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="contactidentifier",
            name="import_id",
            field=models.BigIntegerField(
                editable=False, help_text="The import that brought it.", null=True
            ),
        ),
        AddIndexConcurrently(
            model_name="contacttag",
            index=models.Index(
                fields=["import_id", "id"],
                condition=models.Q(("import_id__isnull", False)),
                name="tags_by_an_import",
            ),
        ),
        AddIndexConcurrently(
            model_name="contactidentifier",
            index=models.Index(
                fields=["import_id", "id"],
                condition=models.Q(("import_id__isnull", False)),
                name="identifiers_by_an_import",
            ),
        ),
    ]
