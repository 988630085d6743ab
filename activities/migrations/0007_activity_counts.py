from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('activities', '0006_what_lists_are_ordered_by'),
    ]

    operations = [
        migrations.CreateModel(
            name='ActivityCount',
            fields=[
                ('pk', models.CompositePrimaryKey('hour', 'type_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('hour', models.DateTimeField()),
                ('type', models.ForeignKey(db_index=False, on_delete=models.deletion.CASCADE, related_name='+', to='activities.activitytype')),
                ('count', models.PositiveBigIntegerField()),
            ],
            options={
                'verbose_name': 'activity count',
            },
        ),
    ]
