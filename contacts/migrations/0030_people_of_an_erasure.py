from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0029_tags_and_identifiers_of_an_import")]

    operations = [
        migrations.AddField(
            model_name="erasure",
            name="people",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("people__gte", 1)), name="an_erasure_is_of_somebody"
            ),
        ),
    ]
