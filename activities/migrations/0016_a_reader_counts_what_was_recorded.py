import django.db.models.deletion
from django.db import migrations, models

# As before, but without the counts: a reader has them.
RECORD = """
CREATE FUNCTION activities_record(
    given json, type_ids bigint[], type_versions bigint[]
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
END $$;
"""

FORGET = "DROP FUNCTION activities_record(json, bigint[], bigint[]);"

RECORD_BEFORE = """
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

FORGET_BEFORE = "DROP FUNCTION activities_record(json, bigint[], bigint[], bigint[], bigint[]);"

# The reader counts them anew, from the log.
FORGET_VALID = "DELETE FROM activities_eventcount WHERE status = 'valid';"


class Migration(migrations.Migration):
    dependencies = [("activities", "0015_what_a_reader_counts")]

    operations = [
        migrations.CreateModel(
            name="RecordedCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "channel_id",
                        "hour",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("count", models.PositiveBigIntegerField()),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
            ],
            options={"verbose_name": "recorded count"},
        ),
        migrations.RunSQL(FORGET_BEFORE, RECORD_BEFORE),
        migrations.RunSQL(RECORD, FORGET),
        migrations.RunSQL(FORGET_VALID, migrations.RunSQL.noop),
    ]
