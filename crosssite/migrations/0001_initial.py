import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('channels', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='TrackedSite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('code_name', models.SlugField(max_length=100)),
                ('url', models.CharField(help_text='The origin of the website, such as https://shop.example.com, without a path.', max_length=400, verbose_name='URL')),
                ('description', models.TextField(blank=True)),
                ('enabled', models.BooleanField(default=True)),
                ('channel', models.ForeignKey(limit_choices_to={'kind': 'website'}, on_delete=django.db.models.deletion.PROTECT, related_name='tracked_sites', to='channels.channel')),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('code_name'), name='one_tracked_site_per_code_name'), models.UniqueConstraint(models.F('channel'), django.db.models.functions.text.Lower('url'), name='one_tracked_site_per_url')],
            },
        ),
    ]
