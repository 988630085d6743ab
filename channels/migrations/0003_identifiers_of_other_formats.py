import channels.identifiers
import django.core.validators
from django.db import migrations, models


def give_each_its_own(apps, schema_editor):
    """Adding a column gives all the rows that there are the same value."""
    for channel in apps.get_model("channels", "Channel").objects.order_by("pk"):
        channel.account_id = channels.identifiers.make_account_id()
        channel.event_key = channels.identifiers.make_event_key()
        channel.site_id = channels.identifiers.make_site_id()
        channel.source_key = channels.identifiers.make_source_key()
        channel.save()


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0002_tracking_consent'),
        ('consents', '0002_agreements_are_never_edited'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='accepts_new_event_names',
            field=models.BooleanField(default=True, help_text='An event name seen for the first time becomes an activity type. When off, only events of existing types are logged.', verbose_name='log events with new names'),
        ),
        migrations.AddField(
            model_name='channel',
            name='account_id',
            field=models.CharField(default=channels.identifiers.make_account_id, help_text='ActiveCampaign-format events name this channel by it, as “actid”.', max_length=32, validators=[django.core.validators.RegexValidator('^[!-~]+$', 'Use letters, digits and signs without spaces.')], verbose_name='account ID (actid)'),
        ),
        migrations.AddField(
            model_name='channel',
            name='event_key',
            field=models.CharField(default=channels.identifiers.make_event_key, help_text='ActiveCampaign-format events show by it, as “key”, that they may be logged.', max_length=100, validators=[django.core.validators.RegexValidator('^[!-~]+$', 'Use letters, digits and signs without spaces.')]),
        ),
        migrations.AddField(
            model_name='channel',
            name='event_tracking_enabled',
            field=models.BooleanField(default=True, help_text='When off, ActiveCampaign-format events are refused; the inspector shows them.', verbose_name='event tracking'),
        ),
        migrations.AddField(
            model_name='channel',
            name='site_id',
            field=models.CharField(default=channels.identifiers.make_site_id, help_text='Commanders Act-format events name the site by it, as “tc_s”. Channels of one site share the ID, and with it what user IDs and anonymous IDs mean.', max_length=32, validators=[django.core.validators.RegexValidator('^[!-~]+$', 'Use letters, digits and signs without spaces.')], verbose_name='site ID (tc_s)'),
        ),
        migrations.AddField(
            model_name='channel',
            name='source_enabled',
            field=models.BooleanField(default=True, help_text='When off, Commanders Act-format events are refused; the inspector shows them.', verbose_name='source is enabled'),
        ),
        migrations.AddField(
            model_name='channel',
            name='source_key',
            field=models.CharField(default=channels.identifiers.make_source_key, help_text='Commanders Act-format events name this channel by it, as “token”.', max_length=200, validators=[django.core.validators.RegexValidator('^[!-~]+$', 'Use letters, digits and signs without spaces.')]),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='access',
            field=models.CharField(choices=[('tracking', 'Tracking API'), ('activecampaign', 'ActiveCampaign-format API'), ('commandersact', 'Commanders Act-format Config API')], default='tracking', help_text='What the key opens. It cannot be changed later.', max_length=20, verbose_name='access type'),
        ),
        migrations.RunPython(give_each_its_own, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.UniqueConstraint(models.F('account_id'), name='one_channel_per_account_id', violation_error_message='Another channel has this account ID.'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.UniqueConstraint(models.F('source_key'), name='one_channel_per_source_key', violation_error_message='Another channel has this source key.'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('account_id', ''), ('event_key', ''), ('site_id', ''), ('source_key', ''), _connector='OR', _negated=True), name='channels_have_all_identifiers', violation_error_message='No identifier of a channel may be empty.'),
        ),
    ]
