from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("channels", "0009_rotated_keys")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="told_of_end",
            field=models.DateTimeField(
                editable=False,
                help_text="The end of which users were told by email.",
                null=True,
            ),
        ),
    ]
