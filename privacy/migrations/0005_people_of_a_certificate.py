from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0004_retention")]

    operations = [
        migrations.AddField(
            model_name="certificate",
            name="people",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(("people__gte", 1)), name="a_certificate_is_of_somebody"
            ),
        ),
    ]
