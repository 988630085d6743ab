from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('activities', '0005_event_specification'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['channel', '-id'], name='activities_of_a_channel'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['-occurred_at', '-id'], name='activities_latest_first'),
        ),
    ]
