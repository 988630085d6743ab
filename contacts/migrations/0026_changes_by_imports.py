from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

SOURCES = [
    ("admin", "A user of the admin"),
    ("data_input", "A data input"),
    ("api", "An application, over /api/3"),
    ("identified", "An event that named the contact"),
    ("merge", "A merge"),
    ("undo", "The undo of a merge or of an import"),
    ("automation", "An automation"),
    ("import", "An import"),
    ("code", "Python code"),
]
REASONS = [
    ("same_email", "Gave the email of the other contact"),
    ("marketer", "Asked for in the admin"),
    ("journey", "Went from one website to another"),
    ("identifier", "Is the same user of a website or an app"),
    ("same_phone", "Has the same phone number"),
    ("same_name", "Has the same name and company"),
    ("similar_email", "Has a similar email"),
    ("import", "Is named together with the other in a row of an import"),
]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0025_touched_by_age")]

    operations = [
        migrations.AlterField(
            model_name="contactchange",
            name="source",
            field=models.CharField(choices=SOURCES, max_length=20),
        ),
        migrations.AlterField(
            model_name="contactmerge",
            name="reason",
            field=models.CharField(choices=REASONS, max_length=20),
        ),
        migrations.AddField(
            model_name="contactchange",
            name="import_id",
            field=models.BigIntegerField(
                editable=False, help_text="The import that it was, or that was undone.", null=True
            ),
        ),
        migrations.AddField(
            model_name="contactmerge",
            name="import_id",
            field=models.BigIntegerField(
                editable=False, help_text="The import that asked for it.", null=True
            ),
        ),
        AddConstraintNotValid(
            model_name="contactchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("import_id__isnull", False), ("source", "import")),
                    ("source", "undo"),
                    models.Q(
                        models.Q(("source__in", ["import", "undo"]), _negated=True),
                        ("import_id__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="a_change_by_an_import_names_it",
            ),
        ),
    ]
