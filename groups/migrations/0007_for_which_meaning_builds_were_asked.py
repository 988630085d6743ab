from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("groups", "0006_entries_by_imports")]

    operations = [
        migrations.AddField(
            model_name="groupbuild",
            name="meaning",
            field=models.CharField(db_default="", default="", editable=False, max_length=64),
        ),
    ]
