from django.db import migrations

import database.transaction_ids

# As before, and with the transaction: readers rely on it.
CREATE = """
CREATE TRIGGER agreements_are_never_edited
    BEFORE UPDATE OF consent_id, agreed, at, text_id, channel_id, tracked_site_id, request_id,
        recorded_in
    ON consents_consentagreement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_an_agreement();
"""
CREATE_BEFORE = """
CREATE TRIGGER agreements_are_never_edited
    BEFORE UPDATE OF consent_id, agreed, at, text_id, channel_id, tracked_site_id, request_id
    ON consents_consentagreement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_an_agreement();
"""
DROP = "DROP TRIGGER agreements_are_never_edited ON consents_consentagreement;"


class Migration(migrations.Migration):
    dependencies = [("consents", "0006_timeline_of_a_contact")]

    operations = [
        # No row is written for it: the function is stable within a transaction, so PostgreSQL keeps
        # the id of this one as what all rows of before have.
        migrations.AddField(
            model_name="consentagreement",
            name="recorded_in",
            field=database.transaction_ids.TransactionIdField(
                db_default=database.transaction_ids.CurrentTransactionId(),
                editable=False,
                verbose_name="transaction",
            ),
        ),
        migrations.RunSQL(DROP, CREATE_BEFORE),
        migrations.RunSQL(CREATE, DROP),
    ]
