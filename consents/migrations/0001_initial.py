import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('channels', '0001_initial'),
        ('contacts', '0001_initial'),
        ('crosssite', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='How this consent is called in the admin.', max_length=200)),
                ('code_name', models.SlugField(help_text='Applications ask for the consent by this name.', max_length=200)),
                ('default_language', models.CharField(default='en', help_text='Whose text is shown to people whose language has no text of its own.', max_length=20)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('code_name'), name='one_consent_per_code_name', violation_error_message='Another consent has this code name.')],
            },
        ),
        migrations.CreateModel(
            name='ConsentText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(help_text='A language code, such as en, de or pt-BR.', max_length=20)),
                ('short_text', models.TextField(help_text='What a banner says. HTML, cleaned when it is saved.')),
                ('full_text', models.TextField(blank=True, help_text='The whole text, behind “read more”. HTML, cleaned when it is saved.')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('superseded_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('consent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='texts', to='consents.consent')),
            ],
            options={
                'verbose_name': 'text',
            },
        ),
        migrations.CreateModel(
            name='ConsentAgreement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('agreed', models.BooleanField(help_text='Yes: agreed. No: revoked.')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('request_id', models.UUIDField(null=True, verbose_name='request id')),
                ('channel', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels.channel')),
                ('consent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='consents.consent')),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='contacts.contact')),
                ('tracked_site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crosssite.trackedsite')),
                ('text', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='consents.consenttext', verbose_name='text that was shown')),
            ],
            options={
                'verbose_name': 'agreement',
            },
        ),
        migrations.AddConstraint(
            model_name='consenttext',
            constraint=models.UniqueConstraint(models.F('consent'), django.db.models.functions.text.Lower('language'), condition=models.Q(('superseded_at__isnull', True)), name='one_current_text_per_language', violation_error_message='This consent has a text in this language already.'),
        ),
        migrations.AddConstraint(
            model_name='consenttext',
            constraint=models.UniqueConstraint(models.F('consent'), django.db.models.functions.text.Lower('language'), models.F('version'), name='one_text_per_version'),
        ),
        migrations.AddIndex(
            model_name='consentagreement',
            index=models.Index(fields=['contact', 'consent', '-id'], name='agreements_of_a_contact'),
        ),
        migrations.AddIndex(
            model_name='consentagreement',
            index=models.Index(fields=['-at', '-id'], name='agreement_newest_first'),
        ),
    ]
