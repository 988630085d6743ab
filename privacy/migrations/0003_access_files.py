import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

CREATE = """
CREATE FUNCTION refuse_to_edit_a_kept_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Kept agreements are never edited.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER kept_agreements_are_never_edited
    BEFORE UPDATE ON privacy_keptagreement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_a_kept_agreement();
"""
DROP = """
DROP TRIGGER kept_agreements_are_never_edited ON privacy_keptagreement;
DROP FUNCTION refuse_to_edit_a_kept_agreement();
"""


class Migration(migrations.Migration):


    dependencies = [
        ('privacy', '0002_requests'),
        ('channels', '0009_rotated_keys'),
        ('consents', '0010_how_answers_came'),
        ('contacts', '0022_merges_to_decide'),
        ('crosssite', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='next attempt')),
                ('attempts', models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, verbose_name='failed attempts')),
                ('last_error', models.TextField(blank=True, db_default='', default='', editable=False)),
                ('kind', models.CharField(choices=[('access', 'Access: everything (Article 15)'), ('portability', 'Portability: what was provided or observed (Article 20)')], max_length=20)),
                ('status', models.CharField(choices=[('waiting', 'Being made'), ('ready', 'Ready'), ('cancelled', 'Cancelled'), ('deleted', 'Deleted')], default='waiting', max_length=20, verbose_name='state')),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked for')),
                ('rows', models.PositiveBigIntegerField(default=0)),
                ('doing', models.CharField(blank=True, editable=False, max_length=200)),
                ('tables', models.JSONField(default=dict, help_text='How many rows it has, by table.')),
                ('name', models.CharField(blank=True, max_length=100, verbose_name='file')),
                ('stored_as', models.CharField(blank=True, editable=False, max_length=100)),
                ('size', models.PositiveBigIntegerField(null=True, verbose_name='bytes')),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='made')),
                ('expires_at', models.DateTimeField(null=True, verbose_name='kept until')),
                ('reason', models.TextField(blank=True)),
                ('downloads', models.PositiveIntegerField(default=0)),
                ('downloaded_at', models.DateTimeField(null=True, verbose_name='last downloaded')),
                ('link_key', models.CharField(blank=True, editable=False, max_length=64)),
                ('link_expires_at', models.DateTimeField(null=True, verbose_name='link valid until')),
                ('link_downloads', models.PositiveIntegerField(default=0, verbose_name='downloads by the link')),
                ('link_used_at', models.DateTimeField(null=True, verbose_name='last downloaded by the link')),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='access_files', to='contacts.contact')),
                ('downloaded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'access file',
                'indexes': [models.Index(fields=['contact', '-id'], name='access_files_of_a_contact'), models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='due_access_files'), models.Index(condition=models.Q(('status', 'ready')), fields=['expires_at'], name='access_files_that_end')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('status', 'waiting')), models.Q(('status', 'waiting'), _negated=True), _connector='OR'), name='an_access_file_is_made_until_it_is_finished'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'ready'), _negated=True), models.Q(models.Q(('stored_as', ''), _negated=True), models.Q(('sha256', ''), _negated=True), ('expires_at__isnull', False), ('finished_at__isnull', False)), _connector='OR'), name='an_access_file_that_is_ready_has_a_file_and_an_end'), models.CheckConstraint(condition=models.Q(models.Q(('link_expires_at__isnull', True), ('link_key', '')), models.Q(models.Q(('link_key', ''), _negated=True), ('link_expires_at__isnull', False)), _connector='OR'), name='a_link_to_an_access_file_ends')],
            },
        ),
        migrations.CreateModel(
            name='KeptAgreement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('erasure', models.UUIDField()),
                ('names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), help_text='Keyed hashes, in hexadecimal.', size=None)),
                ('agreed', models.BooleanField(help_text='Yes: agreed. No: revoked.', verbose_name='answer')),
                ('at', models.DateTimeField(verbose_name='time')),
                ('came_by', models.CharField(blank=True, max_length=250, verbose_name='how it came')),
                ('kept_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='erased')),
                ('channel', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels.channel')),
                ('consent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consents.consent')),
                ('text', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consents.consenttext')),
                ('tracked_site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crosssite.trackedsite')),
            ],
            options={
                'verbose_name': 'kept agreement',
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['names'], name='kept_agreements_by_name'), models.Index(fields=['-at', '-id'], name='kept_agreements_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(('names', []), _negated=True), name='a_kept_agreement_is_of_somebody')],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
