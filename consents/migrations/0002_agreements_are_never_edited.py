from django.db import migrations

# Merging gives an agreement another contact; nothing else about it may ever change.
CREATE = """
CREATE FUNCTION refuse_to_edit_an_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Agreements are added, never edited.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER agreements_are_never_edited
    BEFORE UPDATE OF consent_id, agreed, at, text_id, channel_id, tracked_site_id, request_id
    ON consents_consentagreement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_an_agreement();
"""
DROP = """
DROP TRIGGER agreements_are_never_edited ON consents_consentagreement;
DROP FUNCTION refuse_to_edit_an_agreement();
"""


class Migration(migrations.Migration):
    dependencies = [("consents", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
