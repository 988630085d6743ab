
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0017_contacts_by_birthday"),
    ]

    operations = [
        migrations.AlterField(
            model_name="contactchange",
            name="source",
            field=models.CharField(
                choices=[
                    ("admin", "A user of the admin"),
                    ("data_input", "A data input"),
                    ("api", "An application, over /api/3"),
                    ("identified", "An event that named the contact"),
                    ("merge", "A merge"),
                    ("automation", "An automation"),
                    ("code", "Python code"),
                ],
                max_length=20,
            ),
        ),
    ]
