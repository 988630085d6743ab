from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("activities", "0020_replays_and_repairs")]

    operations = [
        AddIndexConcurrently(
            model_name='rejectedactivity',
            index=models.Index(fields=['code', 'named', 'at', 'id'], name='rejections_of_a_cause'),
        ),
        AddIndexConcurrently(
            model_name='rejectedactivity',
            index=models.Index(condition=models.Q(('replay__isnull', False)), fields=['replay', 'replayed'], name='rejections_of_a_replay'),
        ),
    ]
