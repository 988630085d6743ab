from django.db import migrations, models

# A row is never edited without its version going up, by the admin, a door or SQL.
COUNT_CHANGES = """
CREATE FUNCTION activities_count_change_of_type() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER activities_count_change_of_type BEFORE UPDATE ON activities_activitytype
    FOR EACH ROW EXECUTE FUNCTION activities_count_change_of_type();

CREATE FUNCTION activities_count_change_of_rule() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE activities_activitytype SET version = version
    WHERE id IN (OLD.activity_type_id, NEW.activity_type_id);
    RETURN NULL;
END $$;
CREATE TRIGGER activities_count_change_of_rule
    AFTER INSERT OR UPDATE OR DELETE ON activities_propertyrule
    FOR EACH ROW EXECUTE FUNCTION activities_count_change_of_rule();
"""

STOP_COUNTING = """
DROP TRIGGER activities_count_change_of_rule ON activities_propertyrule;
DROP FUNCTION activities_count_change_of_rule();
DROP TRIGGER activities_count_change_of_type ON activities_activitytype;
DROP FUNCTION activities_count_change_of_type();
"""

# Records usual activities in one round trip and one transaction (see activities/batches.py).
# Whatever is not usual raises TL001, so that nothing is written: a contact that is unknown or was
# merged, a type or rule that changed since the activities were checked, an id that was seen before.
RECORD = """
CREATE FUNCTION activities_record(
    given json,
    type_ids bigint[], type_versions bigint[],
    channel_ids bigint[], channel_counts bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_usual boolean;
BEGIN
    -- The transaction id comes before the contacts are looked up, so a merge that this misses waits
    -- for this transaction before it settles (see contacts.merging).
    PERFORM pg_current_xact_id();
    WITH asked AS MATERIALIZED (
        SELECT nextval('activities_activity_id_seq') AS id, one.*
        FROM json_to_recordset(given) AS one (
            contact uuid, type bigint, channel bigint, site bigint,
            title text, value varchar, url text, referrer text, properties jsonb,
            occurred timestamptz, received timestamptz, client uuid, request uuid
        )
    ), claimed AS (
        INSERT INTO activities_activityclaim (channel_id, client_id, activity_id)
        -- In one order everywhere, so that two requests with the same ids never wait in a circle.
        SELECT channel, client, id FROM asked WHERE client IS NOT NULL ORDER BY channel, client
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), recorded AS (
        INSERT INTO activities_activity (
            id, type_id, contact_id, channel_id, tracked_site_id, title, value, url, referrer,
            properties, occurred_at, recorded_at, logged_as, client_id, request_id
        )
        SELECT
            asked.id, asked.type, contact.id, asked.channel, asked.site,
            asked.title, coalesce(asked.value, ''), coalesce(asked.url, ''),
            coalesce(asked.referrer, ''), asked.properties, asked.occurred, asked.received,
            asked.contact, asked.client, asked.request
        FROM asked
        JOIN contacts_contact AS contact
            ON contact.guid = asked.contact AND contact.merged_into_id IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM recorded) = (SELECT count(*) FROM asked)
        AND (SELECT count(*) FROM claimed) = (SELECT count(client) FROM asked)
        AND NOT EXISTS (
            SELECT FROM unnest(type_ids, type_versions) AS known (id, version)
            LEFT JOIN activities_activitytype AS type USING (id, version)
            WHERE type.code_name IS NULL
        )
    INTO is_usual;
    IF NOT is_usual THEN
        RAISE EXCEPTION 'not usual' USING ERRCODE = 'TL001';
    END IF;
    INSERT INTO activities_eventcount (channel_id, hour, status, slot, count)
    SELECT channel_id, date_trunc('hour', now(), 'UTC'), 'valid', pg_backend_pid() % 16, count
    FROM unnest(channel_ids, channel_counts) AS counted (channel_id, count)
    ON CONFLICT (channel_id, hour, status, slot)
        DO UPDATE SET count = activities_eventcount.count + excluded.count;
END $$;
"""

FORGET = "DROP FUNCTION activities_record(json, bigint[], bigint[], bigint[], bigint[]);"


class Migration(migrations.Migration):
    dependencies = [
        ("activities", "0010_doors_that_name_types"),
        ("contacts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="activitytype",
            name="version",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.RunSQL(COUNT_CHANGES, STOP_COUNTING),
        migrations.RunSQL(RECORD, FORGET),
    ]
