from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("automations", "0001_automations")]

    operations = [
        migrations.AddField(
            model_name="email",
            name="put_off_since",
            field=models.DateTimeField(editable=False, null=True, verbose_name="put off since"),
        ),
    ]
