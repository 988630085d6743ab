import channels.origins
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guid', models.UUIDField(default=uuid.uuid4, editable=False, help_text='Applications send this as “channel” with every activity.', unique=True, verbose_name='channel identifier for Tracking API')),
                ('name', models.CharField(help_text='How this channel is called in the admin.', max_length=200)),
                ('code_name', models.SlugField(help_text='A short name for scripts and commands, such as mobile-app.', max_length=100)),
                ('kind', models.CharField(choices=[('headless', 'Headless (an app or a server)'), ('website', 'Website (a main site with a domain)')], default='headless', max_length=20)),
                ('domain', models.CharField(blank=True, help_text="Website channels only: the main site's domain, such as www.example.com.", max_length=255)),
                ('allowed_origins', channels.origins.OriginsField(blank=True, default=list, help_text='Web pages that may call the tracking API from a browser, one a line: https://app.example.com, app.example.com, or * for all. Empty: none.', size=None)),
                ('enforce_consent', models.BooleanField(default=False, help_text='Refuse activities of contacts who have not agreed to the tracking consent. When off, the calling application decides.', verbose_name='enforce the tracking consent')),
                ('agree_cookie_level', models.SmallIntegerField(choices=[(-1000, 'None'), (-100, 'System'), (0, 'Essential'), (100, 'Editor'), (200, 'Visitor'), (1000, 'All')], default=1000, help_text='Website channels: the level of people who agreed to the tracking consent.')),
                ('default_cookie_level', models.SmallIntegerField(choices=[(-1000, 'None'), (-100, 'System'), (0, 'Essential'), (100, 'Editor'), (200, 'Visitor'), (1000, 'All')], default=0, help_text='Website channels: the level of everybody else, and of people who revoked it.')),
                ('honours_opt_out_signals', models.BooleanField(default=True, help_text='Website channels: do not track browsers that send Global Privacy Control or Do Not Track.', verbose_name='honour opt-out signals')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('code_name'), name='one_channel_per_code_name', violation_error_message='Another channel has this code name.'), models.UniqueConstraint(django.db.models.functions.text.Lower('domain'), condition=models.Q(('domain', ''), _negated=True), name='one_channel_per_domain', violation_error_message='Another channel has this domain.'), models.CheckConstraint(condition=models.Q(('kind', 'website'), ('domain', ''), _connector='XOR'), name='website_channels_and_only_they_have_a_domain', violation_error_message='A website channel needs a domain, and a headless channel has none.'), models.CheckConstraint(condition=models.Q(('agree_cookie_level__gte', 200)), name='agreeing_allows_tracking', violation_error_message='Who agrees is tracked: choose the level Visitor or All.')],
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Who uses this key, such as “iOS app”.', max_length=200)),
                ('access', models.CharField(choices=[('tracking', 'Tracking API'), ('activecampaign', 'ActiveCampaign-format API')], default='tracking', help_text='What the key opens. It cannot be changed later.', max_length=20, verbose_name='access type')),
                ('enabled', models.BooleanField(default=True, help_text='Switch off to refuse the key; that takes up to a second.')),
                ('expires_at', models.DateTimeField(blank=True, help_text='Refused from then on. Empty: never.', null=True)),
                ('identifier', models.CharField(editable=False, help_text='The part of the key that is shown.', max_length=16, unique=True)),
                ('secret_hash', models.CharField(editable=False, max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='channels.channel')),
            ],
            options={
                'verbose_name': 'API key',
                'verbose_name_plural': 'API keys',
            },
        ),
    ]
