from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("automations", "0005_what_broadcasts_were_approved_as")]

    operations = [
        AddIndexConcurrently(
            model_name="email",
            index=models.Index(
                fields=["step", "status", "-prepared_at", "-id"],
                condition=models.Q(status__in=["held", "failed", "uncertain"]),
                name="emails_not_sent_by_step",
            ),
        ),
    ]
