import database.transaction_ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0020_notes_and_tags'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DuplicateSearch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='next attempt')),
                ('attempts', models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, verbose_name='failed attempts')),
                ('last_error', models.TextField(blank=True, db_default='', default='', editable=False)),
                ('status', models.CharField(choices=[('waiting', 'Waiting for a worker'), ('running', 'Searching'), ('done', 'Done'), ('cancelled', 'Cancelled')], default='waiting', max_length=20)),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='requested')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                ('found', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name': 'search for duplicates',
                'verbose_name_plural': 'searches for duplicates',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='UndoneMerge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='next attempt')),
                ('attempts', models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, verbose_name='failed attempts')),
                ('last_error', models.TextField(blank=True, db_default='', default='', editable=False)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='undone')),
                ('restored', models.JSONField(help_text='How many rows went back, by table; and which fields.')),
                ('not_restored', models.JSONField(help_text='What did not go back, how much of it, and why.')),
                ('settles_at_transaction', models.BigIntegerField(editable=False, null=True)),
                ('is_settled', models.BooleanField(default=False, editable=False)),
                ('recorded_in', database.transaction_ids.TransactionIdField(db_default=database.transaction_ids.CurrentTransactionId(), editable=False, verbose_name='transaction')),
            ],
            options={
                'verbose_name': 'undone merge',
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='contactchange',
            name='a_change_by_a_merge_names_it',
        ),
        migrations.AddField(
            model_name='contactmerge',
            name='loser_wins',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), blank=True, db_default=[], default=list, help_text='The fields in which the values of the merged contact win.', size=None),
        ),
        # Of the rows that there are it is not known, and no row is written.
        migrations.AddField(
            model_name='movedrows',
            name='at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='movedrows',
            name='at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, null=True, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='contactchange',
            name='source',
            field=models.CharField(choices=[('admin', 'A user of the admin'), ('data_input', 'A data input'), ('api', 'An application, over /api/3'), ('identified', 'An event that named the contact'), ('merge', 'A merge'), ('undo', 'The undo of a merge'), ('automation', 'An automation'), ('code', 'Python code')], max_length=20),
        ),
        migrations.AlterField(
            model_name='contactmerge',
            name='reason',
            field=models.CharField(choices=[('same_email', 'Gave the email of the other contact'), ('marketer', 'Asked for in the admin'), ('journey', 'Went from one website to another'), ('identifier', 'Is the same user of a website or an app'), ('same_phone', 'Has the same phone number'), ('same_name', 'Has the same name and company'), ('similar_email', 'Has a similar email')], max_length=20),
        ),
        migrations.AlterField(
            model_name='contactmerge',
            name='status',
            field=models.CharField(choices=[('pending', 'Waiting for a worker'), ('done', 'Done'), ('review', 'Needs a decision'), ('dismissed', 'Kept apart'), ('undone', 'Undone')], default='pending', max_length=20),
        ),
        # The next migration checks the changes that there are, while the hub goes on.
        AddConstraintNotValid(
            model_name='contactchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merge__isnull', False), ('source', 'merge')), ('source', 'undo'), models.Q(models.Q(('source__in', ['merge', 'undo']), _negated=True), ('merge__isnull', True)), _connector='OR'), name='a_change_by_a_merge_names_it'),
        ),
        migrations.AddField(
            model_name='duplicatesearch',
            name='requested_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='undonemerge',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='undonemerge',
            name='merge',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='undone', to='contacts.contactmerge'),
        ),
        migrations.AddIndex(
            model_name='duplicatesearch',
            index=models.Index(condition=models.Q(('status__in', ['waiting', 'running'])), fields=['due_at'], name='due_searches_for_duplicates'),
        ),
        migrations.AddConstraint(
            model_name='duplicatesearch',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'waiting')), fields=('status',), name='one_search_for_duplicates_waits'),
        ),
        migrations.AddConstraint(
            model_name='duplicatesearch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('status__in', ['waiting', 'running'])), models.Q(('finished_at__isnull', False), ('status__in', ['done', 'cancelled'])), _connector='OR'), name='a_search_goes_on_until_it_is_finished'),
        ),
        migrations.AddIndex(
            model_name='undonemerge',
            index=models.Index(condition=models.Q(('is_settled', False)), fields=['due_at'], name='due_settling_of_undone'),
        ),
        migrations.AddIndex(
            model_name='undonemerge',
            index=models.Index(fields=['recorded_in', 'id'], name='undone_as_readers_read'),
        ),
    ]
