from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

CAUSES = [
    ("activity", "An activity"),
    ("change", "A change of the contact"),
    ("agreement", "An answer to a consent"),
    ("merge", "A merge of contacts"),
    ("undo", "The undo of a merge"),
    ("touched", "Activities were moved or deleted"),
    ("created", "The contact was created"),
    ("window", "Time passed"),
    ("rule", "The rule was changed"),
    ("group", "Another group"),
    ("email", "What became of an email"),
    ("user", "A user of the admin"),
    ("automation", "An automation"),
    ("import", "An import"),
    ("code", "A command, a file or Python code"),
]


class Migration(migrations.Migration):
    # Its index reads a table that may be large, while the hub goes on.
    atomic = False

    dependencies = [("groups", "0005_due_looks_in_the_plural")]

    operations = [
        migrations.AlterField(
            model_name="membershipevent",
            name="cause",
            field=models.CharField(choices=CAUSES, max_length=20),
        ),
        AddIndexConcurrently(
            model_name="membershipevent",
            index=models.Index(
                fields=["cause_id", "id"],
                condition=models.Q(("cause", "import")),
                name="entries_by_an_import",
            ),
        ),
    ]
