import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('channels', '0001_initial'),
        ('contacts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsedHandover',
            fields=[
                ('token_id', models.UUIDField(primary_key=True, serialize=False)),
                ('used_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='TrackedSite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='How the site is called in the admin.', max_length=200, verbose_name='tracked website name')),
                ('code_name', models.SlugField(help_text='A short name, such as online-shop.', max_length=100)),
                ('url', models.CharField(help_text='Scheme and domain, without a path, a port or a slash at the end, such as https://shop.example.com.', max_length=400, verbose_name='tracked website URL')),
                ('description', models.TextField(blank=True, help_text='For the other users of the admin.')),
                ('enabled', models.BooleanField(default=True, help_text='Switch off to track nobody on this site from now on.')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('channel', models.ForeignKey(help_text='The main site that this site belongs to, and whose domain it reports to.', limit_choices_to={'kind': 'website'}, on_delete=django.db.models.deletion.PROTECT, related_name='tracked_sites', to='channels.channel', verbose_name='website channel')),
            ],
        ),
        migrations.CreateModel(
            name='SiteContact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('visitor', models.UUIDField(default=uuid.uuid4)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='site_contacts', to='contacts.contact')),
                ('tracked_site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='site_contacts', to='crosssite.trackedsite')),
            ],
        ),
        migrations.CreateModel(
            name='BrowserHits',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=400)),
                ('outcome', models.CharField(choices=[('recorded', 'Recorded'), ('origin', 'Unknown or disabled website'), ('consent', 'No agreement to the tracking consent'), ('cookies', 'The browser blocks cookies'), ('bot', 'A known bot'), ('opt_out', 'The browser asks not to be tracked'), ('limit', 'Too many new contacts from one address'), ('invalid', 'The activity breaks a rule')], max_length=20)),
                ('hour', models.DateTimeField()),
                ('count', models.PositiveBigIntegerField(default=1)),
                ('last_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_path', models.CharField(blank=True, max_length=400)),
                ('last_version', models.CharField(blank=True, max_length=20, verbose_name='script version')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel')),
            ],
            options={
                'verbose_name_plural': 'browser hits',
                'constraints': [models.UniqueConstraint(fields=('channel', 'origin', 'outcome', 'hour'), name='one_count_per_hour')],
            },
        ),
        migrations.AddConstraint(
            model_name='trackedsite',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('code_name'), name='one_tracked_site_per_code_name', violation_error_message='Another tracked site has this code name.'),
        ),
        migrations.AddConstraint(
            model_name='trackedsite',
            constraint=models.UniqueConstraint(models.F('channel'), django.db.models.functions.text.Lower('url'), name='one_tracked_site_per_url', violation_error_message='This channel has a tracked site with this URL already.'),
        ),
        migrations.AddConstraint(
            model_name='trackedsite',
            constraint=models.CheckConstraint(condition=models.Q(('url__regex', '^https?://[^/?#@]+$')), name='tracked_site_url_is_an_origin', violation_error_message='Write the scheme and the domain only.'),
        ),
        migrations.AddConstraint(
            model_name='sitecontact',
            constraint=models.UniqueConstraint(fields=('visitor', 'tracked_site'), name='one_contact_per_visitor_and_site'),
        ),
    ]
