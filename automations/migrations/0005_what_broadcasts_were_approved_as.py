from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("automations", "0004_runs_inside_a_version")]

    operations = [
        migrations.AddField(
            model_name="broadcast",
            name="approved_as",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
