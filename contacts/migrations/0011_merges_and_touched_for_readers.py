import django.db.models.deletion
from django.db import migrations, models

import contacts.keys
import database.transaction_ids

# A merge gets its place in the log when it is done, in whatever way that is written, and keeps it.
NUMBER = """
CREATE SEQUENCE contacts_contactmerge_done_as_seq OWNED BY contacts_contactmerge.done_as;
CREATE FUNCTION contacts_number_done_merge() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'done' THEN
        NEW.recorded_in := OLD.recorded_in;
        NEW.done_as := OLD.done_as;
    ELSIF NEW.status = 'done' THEN
        -- First the transaction id: epochs tell by the number who has written before them.
        NEW.recorded_in := pg_current_xact_id();
        NEW.done_as := nextval('contacts_contactmerge_done_as_seq');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contacts_number_done_merge BEFORE INSERT OR UPDATE ON contacts_contactmerge
    FOR EACH ROW EXECUTE FUNCTION contacts_number_done_merge();
"""
STOP_NUMBERING = """
DROP TRIGGER contacts_number_done_merge ON contacts_contactmerge;
DROP FUNCTION contacts_number_done_merge();
DROP SEQUENCE contacts_contactmerge_done_as_seq;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0010_timeline_of_a_contact")]

    operations = [
        migrations.AddField(
            model_name="contactmerge",
            name="recorded_in",
            field=database.transaction_ids.TransactionIdField(
                editable=False, null=True, verbose_name="transaction"
            ),
        ),
        migrations.AddField(
            model_name="contactmerge",
            name="done_as",
            field=models.BigIntegerField(
                editable=False, null=True, verbose_name="number among those that are done"
            ),
        ),
        migrations.RunSQL(NUMBER, STOP_NUMBERING),
        migrations.CreateModel(
            name="Touched",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "recorded_in",
                    database.transaction_ids.TransactionIdField(
                        db_default=database.transaction_ids.CurrentTransactionId(),
                        editable=False,
                        verbose_name="transaction",
                    ),
                ),
                (
                    "contact",
                    contacts.keys.ContactKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contacts.contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "touched contact",
                "indexes": [
                    models.Index(fields=["recorded_in", "id"], name="touched_as_readers_read")
                ],
            },
        ),
    ]
