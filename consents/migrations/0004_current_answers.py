import django.db.models.deletion
from django.db import migrations, models

# The latest answers of these contacts to these consents, pair by pair, become the current ones.
# Two transactions that do so take the pairs in one order: they never wait in a circle. It is in
# PL/pgSQL because the plan of a function in SQL is made anew for every answer.
KEEP = """
CREATE FUNCTION consents_keep_current_answers(contact_ids bigint[], consent_ids bigint[])
RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO consents_currentanswer AS known
        (agreement_id, contact_id, consent_id, agreed, at, text_id)
    SELECT latest.*
    FROM (
        SELECT DISTINCT contact_id, consent_id
        FROM unnest(contact_ids, consent_ids) AS given (contact_id, consent_id)
    ) AS pair,
    LATERAL (
        SELECT id, contact_id, consent_id, agreed, at, text_id
        FROM consents_consentagreement AS agreement
        WHERE agreement.contact_id = pair.contact_id AND agreement.consent_id = pair.consent_id
        ORDER BY at DESC, id DESC LIMIT 1
    ) AS latest
    ORDER BY latest.contact_id, latest.consent_id
    ON CONFLICT (contact_id, consent_id) DO UPDATE SET
        agreement_id = EXCLUDED.agreement_id, agreed = EXCLUDED.agreed,
        at = EXCLUDED.at, text_id = EXCLUDED.text_id
    WHERE (EXCLUDED.at, EXCLUDED.agreement_id) > (known.at, known.agreement_id);
END $$;
"""

# Agreements are added, move to the survivor of a merge, move back, and are erased.
FOLLOW = """
CREATE FUNCTION consents_follow_the_ledger() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM consents_currentanswer WHERE agreement_id IN (SELECT id FROM gone);
        PERFORM consents_keep_current_answers(array_agg(contact_id), array_agg(consent_id))
        FROM gone;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM consents_keep_current_answers(array_agg(contact_id), array_agg(consent_id))
        FROM came;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER current_answers_follow_added_agreements
    AFTER INSERT ON consents_consentagreement REFERENCING NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION consents_follow_the_ledger();
CREATE TRIGGER current_answers_follow_moved_agreements
    AFTER UPDATE ON consents_consentagreement REFERENCING OLD TABLE AS gone NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION consents_follow_the_ledger();
CREATE TRIGGER current_answers_follow_erased_agreements
    AFTER DELETE ON consents_consentagreement REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION consents_follow_the_ledger();
"""

STOP = """
DROP TRIGGER current_answers_follow_added_agreements ON consents_consentagreement;
DROP TRIGGER current_answers_follow_moved_agreements ON consents_consentagreement;
DROP TRIGGER current_answers_follow_erased_agreements ON consents_consentagreement;
DROP FUNCTION consents_follow_the_ledger();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("consents", "0003_what_lists_are_ordered_by"),
        ("contacts", "0006_ids_without_a_fraction"),
    ]

    operations = [
        migrations.CreateModel(
            name="CurrentAnswer",
            fields=[
                ("agreement", models.OneToOneField(on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name="+", serialize=False, to="consents.consentagreement")),
                ("agreed", models.BooleanField()),
                ("at", models.DateTimeField()),
                ("consent", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="consents.consent")),
                ("contact", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="current_answers", to="contacts.contact")),
                ("text", models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="consents.consenttext")),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(condition=models.Q(("agreed", True)), fields=["consent", "contact"], include=("text",), name="contacts_who_agree")],
                "constraints": [models.UniqueConstraint(fields=("contact", "consent"), name="one_current_answer_to_each_consent")],
            },
        ),
        migrations.RunSQL(KEEP, "DROP FUNCTION consents_keep_current_answers(bigint[], bigint[])"),
        migrations.RunSQL(FOLLOW, STOP),
    ]
