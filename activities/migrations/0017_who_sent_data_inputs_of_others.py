import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Few data inputs were sent by another contact: the index has those alone."""

    # It is built while the hub goes on.
    atomic = False

    dependencies = [("activities", "0016_a_reader_counts_what_was_recorded")]

    operations = [
        AddIndexConcurrently(
            model_name="datainput",
            index=models.Index(
                condition=models.Q(("sent_by__isnull", False)),
                fields=["sent_by"],
                name="sent_by_others",
            ),
        ),
        migrations.AlterField(
            model_name="datainput",
            name="sent_by",
            field=models.ForeignKey(
                db_index=False,
                help_text="The contact who sent the fields, if they belong to another by their email.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="redirected_data_inputs",
                to="contacts.contact",
            ),
        ),
    ]
