from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("contacts", "0012_merges_as_readers_read")]

    operations = [
        migrations.AddField(
            model_name="touched",
            name="at",
            field=models.DateTimeField(db_default=Now(), editable=False, verbose_name="time"),
        )
    ]
