import database.transaction_ids
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
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
            name='ActivityClaim',
            fields=[
                ('pk', models.CompositePrimaryKey('channel_id', 'client_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('client_id', models.UUIDField()),
                ('activity_id', models.BigIntegerField()),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel')),
            ],
            options={
                'verbose_name': 'claimed activity id',
            },
        ),
        migrations.CreateModel(
            name='ActivityType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='What the activity log calls it, such as “Loan calculator usage”.', max_length=250, verbose_name='activity type name')),
                ('code_name', models.CharField(help_text='Applications send this as the “type”. Letter case makes no difference.', max_length=250, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9_.-]+$', 'Use letters, digits, underscores, dots and hyphens only.')])),
                ('description', models.TextField(blank=True, help_text='What it is for and what is tracked, for the other marketers.')),
                ('enabled', models.BooleanField(default=True, help_text='Switch off to refuse activities of this type from now on.')),
                ('is_system', models.BooleanField(default=False, editable=False, verbose_name='system type')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('code_name'), name='one_activity_type_per_code_name', violation_error_message='Another activity type has this code name.'), models.CheckConstraint(condition=models.Q(('is_system', models.Q(('code_name__in', ['pagevisit', 'landingpage', 'click', 'datainput'])))), name='system_types_keep_their_code_names', violation_error_message='System types keep their code names.')],
            },
        ),
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.TextField()),
                ('value', models.CharField(blank=True, max_length=250)),
                ('url', models.TextField(blank=True, verbose_name='URL')),
                ('referrer', models.TextField(blank=True)),
                ('properties', models.JSONField(null=True)),
                ('occurred_at', models.DateTimeField(verbose_name='time')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded')),
                ('logged_as', models.UUIDField(verbose_name='logged under GUID')),
                ('client_id', models.UUIDField(null=True, verbose_name='id given by the application')),
                ('request_id', models.UUIDField(verbose_name='request id')),
                ('recorded_in', database.transaction_ids.TransactionIdField(db_default=database.transaction_ids.CurrentTransactionId(), editable=False, verbose_name='transaction')),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels.channel')),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='activities', to='contacts.contact')),
                ('tracked_site', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crosssite.trackedsite')),
                ('type', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='activities', to='activities.activitytype')),
            ],
            options={
                'verbose_name': 'activity',
                'verbose_name_plural': 'activities',
            },
        ),
        migrations.CreateModel(
            name='DataInput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fields', models.JSONField(help_text='Names and values as the contact has them.')),
                ('outcome', models.CharField(choices=[('pending', 'Waiting for a worker'), ('applied', 'Applied to the contact'), ('redirected', 'Applied to another contact, who has the given email')], default='pending', max_length=20)),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('applied_at', models.DateTimeField(null=True)),
                ('detail', models.TextField(blank=True)),
                ('activity', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='data_input', to='activities.activity')),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='data_inputs', to='contacts.contact')),
                ('sent_by', models.ForeignKey(help_text='Who sent the fields, if they belong to somebody else by their email.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='redirected_data_inputs', to='contacts.contact')),
            ],
        ),
        migrations.CreateModel(
            name='RejectedActivity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
                ('code', models.SlugField(verbose_name='reason code')),
                ('reason', models.TextField()),
                ('field', models.CharField(blank=True, max_length=100)),
                ('door', models.CharField(max_length=50)),
                ('contact_guid', models.CharField(blank=True, max_length=36, verbose_name='contact GUID')),
                ('request_id', models.UUIDField(db_index=True, verbose_name='request id')),
                ('payload', models.BinaryField(help_text='What was sent, as it came, cut at the kept length.')),
                ('payload_length', models.PositiveBigIntegerField(help_text='Bytes that were sent.')),
                ('payload_text', models.TextField(blank=True)),
                ('channel', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel')),
            ],
            options={
                'verbose_name': 'rejected activity',
                'verbose_name_plural': 'rejected activities',
            },
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['contact', '-occurred_at', '-id'], name='activities_of_a_contact'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['type', '-id'], name='activities_of_a_type'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['request_id'], name='activities_of_a_request'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(condition=models.Q(('tracked_site__isnull', False)), fields=['tracked_site', '-id'], name='activities_of_a_tracked_site'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['occurred_at'], name='activities_by_time'),
        ),
        migrations.AddIndex(
            model_name='datainput',
            index=models.Index(fields=['contact', 'activity'], name='data_inputs_of_a_contact'),
        ),
        migrations.AddIndex(
            model_name='datainput',
            index=models.Index(condition=models.Q(('outcome', 'pending')), fields=['received_at'], name='pending_data_inputs'),
        ),
        migrations.AddConstraint(
            model_name='datainput',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('applied_at__isnull', True), ('outcome', 'pending')), models.Q(models.Q(('outcome', 'pending'), _negated=True), ('applied_at__isnull', False)), _connector='OR'), name='a_data_input_is_pending_until_applied'),
        ),
        migrations.AddIndex(
            model_name='rejectedactivity',
            index=models.Index(fields=['-at', '-id'], name='rejection_newest_first'),
        ),
        migrations.AddIndex(
            model_name='rejectedactivity',
            index=models.Index(fields=['contact_guid'], name='rejections_of_a_contact'),
        ),
        migrations.AddIndex(
            model_name='rejectedactivity',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('payload_text', config='simple'), name='rejection_words'),
        ),
    ]
