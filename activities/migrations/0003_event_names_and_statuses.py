import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('activities', '0002_system_types'),
        ('channels', '0003_identifiers_of_other_formats'),
        ('contacts', '0001_initial'),
        ('crosssite', '0001_initial'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='activity',
            name='activities_by_time',
        ),
        migrations.AddField(
            model_name='activitytype',
            name='door',
            field=models.CharField(blank=True, choices=[('activecampaign', 'ActiveCampaign format'), ('commandersact', 'Commanders Act format')], editable=False, help_text='Empty: it was made here.', max_length=20, verbose_name='first seen in'),
        ),
        migrations.AddField(
            model_name='activitytype',
            name='whitelisted',
            field=models.BooleanField(default=False, help_text='Offered by name, as in the list of event names of the API.'),
        ),
        migrations.AddField(
            model_name='rejectedactivity',
            name='status',
            field=models.CharField(choices=[('invalid_accepted', 'Invalid, accepted'), ('invalid_rejected', 'Invalid, rejected'), ('filtered', 'Filtered'), ('failed', 'Failed')], default='invalid_rejected', max_length=20),
        ),
        migrations.AddField(
            model_name='rejectedactivity',
            name='test_code',
            field=models.CharField(blank=True, help_text='The mark by which its sender finds a test event.', max_length=100),
        ),
        migrations.AlterField(
            model_name='activitytype',
            name='code_name',
            field=models.CharField(help_text='Applications send this as the “type”. Letter case makes no difference.', max_length=250),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['occurred_at', 'recorded_at'], name='activities_by_time'),
        ),
        migrations.AddIndex(
            model_name='rejectedactivity',
            index=models.Index(fields=['channel', '-at', '-id'], name='rejections_of_a_channel'),
        ),
    ]
