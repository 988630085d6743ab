import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index `changes_of_a_contact` begins with the contact, too."""

    dependencies = [("contacts", "0013_touched_contacts_are_forgotten")]

    operations = [
        migrations.AlterField(
            model_name="contactchange",
            name="contact",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="contacts.contact",
            ),
        )
    ]
