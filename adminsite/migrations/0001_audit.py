import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

FUNCTIONS = """
-- Adds an entry. Who it was says the setting hub.actor, which the admin sets for each request that
-- may change something; else the program that is connected has its name, and the user for whom it
-- works.
CREATE FUNCTION adminsite_note(
    action text, model text, object_id text, name text, before jsonb, after jsonb, detail text,
    for_id integer DEFAULT NULL, for_name text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    actor jsonb := nullif(current_setting('hub.actor', true), '')::jsonb;
BEGIN
    INSERT INTO adminsite_auditentry
        (at, user_id, actor, via, address, action, model, object_id, name, before, after, detail)
    VALUES (
        clock_timestamp(),
        CASE WHEN actor IS NULL THEN for_id ELSE (actor ->> 'id')::integer END,
        coalesce(left(CASE WHEN actor IS NULL THEN for_name ELSE actor ->> 'name' END, 150), ''),
        left(coalesce(actor ->> 'via', nullif(current_setting('application_name'), ''), ''), 100),
        coalesce(left(actor ->> 'address', 100), ''),
        action, model, left(object_id, 100), coalesce(left(name, 250), ''), before, after, detail
    );
END $$;

-- What is kept of a value: texts that would fill the log are cut.
CREATE FUNCTION adminsite_audited(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(value::text) > 20000
        THEN to_jsonb(left(value::text, 20000) || '…') ELSE value END
$$;

-- Keeps what differs of a row. Its arguments: the model, the columns of the key and of the name,
-- the columns that are looked at, and those of which is kept only that they changed.
CREATE FUNCTION adminsite_audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    is_now jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    either jsonb := coalesce(is_now, was);
    differ text[];
    hidden text[] := TG_ARGV[4]::text[];
BEGIN
    IF current_setting('hub.unaudited', true) = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(one) INTO differ FROM unnest(TG_ARGV[3]::text[]) AS one
    WHERE (was -> one) IS DISTINCT FROM (is_now -> one);
    IF TG_OP = 'UPDATE' AND differ IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM adminsite_note(
        CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END,
        TG_ARGV[0],
        either ->> TG_ARGV[1],
        either ->> nullif(TG_ARGV[2], ''),
        (SELECT jsonb_object_agg(one, CASE WHEN one = ANY (hidden)
            THEN to_jsonb('hidden'::text) ELSE adminsite_audited(was -> one) END)
         FROM unnest(differ) AS one WHERE was IS NOT NULL),
        (SELECT jsonb_object_agg(one, CASE WHEN one = ANY (hidden)
            THEN to_jsonb('hidden'::text) ELSE adminsite_audited(is_now -> one) END)
         FROM unnest(differ) AS one WHERE is_now IS NOT NULL),
        ''
    );
    RETURN NULL;
END $$;

-- Keeps that a row of a many-to-many relation came or went, as a change of the row that has it.
-- Its arguments: the model, its key in the relation, its table and the column of its name, what the
-- relation is called, the other key, its table and the column of its name.
CREATE FUNCTION adminsite_audit_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    link jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    owner_name text;
    other_name text;
BEGIN
    IF current_setting('hub.unaudited', true) = 'on' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT %I FROM %I WHERE id = $1', TG_ARGV[3], TG_ARGV[2])
        INTO owner_name USING (link ->> TG_ARGV[1])::bigint;
    EXECUTE format('SELECT %I FROM %I WHERE id = $1', TG_ARGV[7], TG_ARGV[6])
        INTO other_name USING (link ->> TG_ARGV[5])::bigint;
    PERFORM adminsite_note(
        'changed', TG_ARGV[0], link ->> TG_ARGV[1], owner_name,
        CASE WHEN TG_OP = 'DELETE' THEN jsonb_build_object(TG_ARGV[4], other_name) END,
        CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object(TG_ARGV[4], other_name) END,
        ''
    );
    RETURN NULL;
END $$;

CREATE FUNCTION adminsite_refuse_to_edit_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('hub.forgets', true) = 'audit' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The audit log is never edited.' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_entries_are_never_edited
    BEFORE UPDATE OR DELETE ON adminsite_auditentry
    FOR EACH ROW EXECUTE FUNCTION adminsite_refuse_to_edit_the_audit_log();
"""
DROP = """
DROP TRIGGER audit_entries_are_never_edited ON adminsite_auditentry;
DROP FUNCTION adminsite_refuse_to_edit_the_audit_log();
DROP FUNCTION adminsite_audit_link() CASCADE;
DROP FUNCTION adminsite_audit_row() CASCADE;
DROP FUNCTION adminsite_audited(jsonb);
DROP FUNCTION adminsite_note(text, text, text, text, jsonb, jsonb, text, integer, text);
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='UserZone',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='zone', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('zone', models.CharField(max_length=64, verbose_name='time zone')),
            ],
            options={
                'verbose_name': 'time zone of a user',
                'verbose_name_plural': 'time zones of users',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='time')),
                ('actor', models.CharField(blank=True, max_length=150, verbose_name='who')),
                ('via', models.CharField(blank=True, help_text='“admin”, or the program that made the change.', max_length=100)),
                ('address', models.CharField(blank=True, max_length=100)),
                ('action', models.CharField(choices=[('added', 'Added'), ('changed', 'Changed'), ('deleted', 'Deleted'), ('done', 'Done')], max_length=10)),
                ('model', models.CharField(help_text='Such as channels.channel.', max_length=100, verbose_name='kind')),
                ('object_id', models.CharField(blank=True, max_length=100)),
                ('name', models.CharField(blank=True, help_text="What the object was called; never a contact's name.", max_length=250)),
                ('before', models.JSONField(help_text='The fields that differ, as they were.', null=True)),
                ('after', models.JSONField(help_text='The same fields, as they became.', null=True)),
                ('detail', models.TextField(blank=True, help_text='In words, what has no fields.')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit entries',
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['-at', '-id'], name='audit_newest_first'), models.Index(fields=['user', '-at', '-id'], name='audit_of_a_user'), models.Index(fields=['model', '-at', '-id'], name='audit_of_a_kind')],
            },
        ),
        migrations.RunSQL(FUNCTIONS, DROP),
    ]
