from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The tables are long: they are written to while the indexes are built.
    atomic = False

    dependencies = [
        ('consents', '0005_answers_of_before'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='consentagreement',
            index=models.Index(fields=['contact', '-at', '-id'], name='latest_agreements_of_a_contact'),
        ),
    ]
