from django.db import migrations

# As before, and with three more arguments a row is called by what it belongs to as well: the key that
# leads there, its table, and the column of its name.
FUNCTION = """
CREATE OR REPLACE FUNCTION adminsite_audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    is_now jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    either jsonb := coalesce(is_now, was);
    differ text[];
    hidden text[] := TG_ARGV[4]::text[];
    called text := either ->> nullif(TG_ARGV[2], '');
    parent text;
BEGIN
    IF current_setting('hub.unaudited', true) = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(one) INTO differ FROM unnest(TG_ARGV[3]::text[]) AS one
    WHERE (was -> one) IS DISTINCT FROM (is_now -> one);
    IF TG_OP = 'UPDATE' AND differ IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_NARGS > 5 THEN
        EXECUTE format('SELECT %I FROM %I WHERE id = $1', TG_ARGV[7], TG_ARGV[6])
            INTO parent USING (either ->> TG_ARGV[5])::bigint;
        called := concat_ws(' · ', parent, called);
    END IF;
    PERFORM adminsite_note(
        CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END,
        TG_ARGV[0],
        either ->> TG_ARGV[1],
        called,
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
"""


class Migration(migrations.Migration):

    dependencies = [("adminsite", "0002_saved_views")]

    operations = [migrations.RunSQL(FUNCTION, migrations.RunSQL.noop)]
