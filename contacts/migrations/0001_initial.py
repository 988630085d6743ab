import django.contrib.postgres.indexes
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='GUID')),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('first_name', models.CharField(blank=True, max_length=100)),
                ('middle_name', models.CharField(blank=True, max_length=100)),
                ('last_name', models.CharField(blank=True, max_length=100)),
                ('birthday', models.DateField(blank=True, null=True)),
                ('mobile_phone', models.CharField(blank=True, max_length=26, verbose_name='private phone')),
                ('business_phone', models.CharField(blank=True, max_length=26)),
                ('company_name', models.CharField(blank=True, max_length=100, verbose_name='company')),
                ('job_title', models.CharField(blank=True, max_length=50)),
                ('address1', models.CharField(blank=True, max_length=100, verbose_name='address')),
                ('city', models.CharField(blank=True, max_length=100)),
                ('zip', models.CharField(blank=True, max_length=100, verbose_name='ZIP')),
                ('country', models.CharField(blank=True, max_length=3)),
                ('state', models.CharField(blank=True, max_length=2)),
                ('notes', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created')),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged_contacts', to='contacts.contact')),
            ],
        ),
        migrations.CreateModel(
            name='ContactMerge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('same_email', 'Gave the email of the other contact'), ('marketer', 'Asked for in the admin'), ('journey', 'Went from one website to another')], max_length=20)),
                ('status', models.CharField(choices=[('pending', 'Waiting for a worker'), ('done', 'Done'), ('review', 'Needs a decision'), ('dismissed', 'Kept apart')], default='pending', max_length=20)),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='requested')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('survivor_before', models.JSONField(blank=True, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ('loser_before', models.JSONField(blank=True, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ('moved', models.JSONField(blank=True, default=dict, help_text='How many rows went to the survivor, by table.')),
                ('detail', models.TextField(blank=True)),
                ('settles_at_transaction', models.BigIntegerField(editable=False, null=True)),
                ('is_settled', models.BooleanField(default=False, editable=False)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('loser', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_lost', to='contacts.contact')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('survivor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_survived', to='contacts.contact')),
            ],
            options={
                'verbose_name': 'merge',
            },
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Lower('email'), name='text_pattern_ops'), condition=models.Q(('email', ''), _negated=True), name='contact_email_prefix'),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Lower('last_name'), name='text_pattern_ops'), condition=models.Q(('last_name', ''), _negated=True), name='contact_last_name_prefix'),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Lower('first_name'), name='text_pattern_ops'), condition=models.Q(('first_name', ''), _negated=True), name='contact_first_name_prefix'),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(fields=['-created_at', '-id'], name='contact_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('email'), condition=models.Q(('merged_into__isnull', True), models.Q(('email', ''), _negated=True)), name='one_live_contact_per_email', violation_error_message='Another contact has this email.'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), models.Q(('merged_into', models.F('pk')), _negated=True), _connector='OR'), name='no_contact_is_merged_into_itself'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.CheckConstraint(condition=models.Q(('country', ''), ('country__regex', '^[A-Z]{3}$'), _connector='OR'), name='country_is_three_letters', violation_error_message='Choose a country.'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.CheckConstraint(condition=models.Q(('state', ''), models.Q(('state__regex', '^[A-Z]{2}$'), ('country__in', ['', 'USA'])), _connector='OR'), name='state_is_of_the_usa', violation_error_message='Only contacts in the USA have a state.'),
        ),
        migrations.AddIndex(
            model_name='contactmerge',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['requested_at'], name='pending_merges'),
        ),
        migrations.AddIndex(
            model_name='contactmerge',
            index=models.Index(condition=models.Q(('is_settled', False), ('status', 'done')), fields=['id'], name='unsettled_merges'),
        ),
        migrations.AddIndex(
            model_name='contactmerge',
            index=models.Index(fields=['-requested_at', '-id'], name='merge_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='contactmerge',
            constraint=models.CheckConstraint(condition=models.Q(('survivor', models.F('loser')), _negated=True), name='a_merge_is_between_two'),
        ),
        migrations.AddConstraint(
            model_name='contactmerge',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['pending', 'review'])), fields=('survivor', 'loser'), name='one_open_merge_per_pair'),
        ),
    ]
