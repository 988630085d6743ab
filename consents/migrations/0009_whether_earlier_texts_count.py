from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consents", "0008_agreements_as_readers_read")]

    operations = [
        migrations.AddField(
            model_name="consent",
            name="older_versions_count",
            field=models.BooleanField(
                "agreements to earlier texts count",
                db_default=True,
                default=True,
                help_text="Switch off if contacts have to agree again whenever a text changes: who "
                "has agreed to an earlier text then counts as somebody who was not asked.",
            ),
        )
    ]
