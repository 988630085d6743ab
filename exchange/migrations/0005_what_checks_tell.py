from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0004_partly_undone_imports")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="told",
            field=models.JSONField(default=dict, editable=False),
        ),
    ]
