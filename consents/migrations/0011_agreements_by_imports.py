from django.db import migrations, models

# An agreement moves to the survivor of a merge; nothing else about it may ever change.
_EDITS = """
DROP TRIGGER agreements_are_never_edited ON consents_consentagreement;
CREATE TRIGGER agreements_are_never_edited
    BEFORE UPDATE OF consent_id, agreed, at, text_id, channel_id, tracked_site_id, request_id{more}
    ON consents_consentagreement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_an_agreement();
"""


class Migration(migrations.Migration):
    dependencies = [("consents", "0010_how_answers_came")]

    operations = [
        migrations.AddField(
            model_name="consentagreement",
            name="import_id",
            field=models.BigIntegerField(
                editable=False,
                help_text="The import whose file says it, or that was undone.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="consentagreement",
            name="place",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Where it was given, as the file says.",
            ),
        ),
        migrations.RunSQL(_EDITS.format(more=", import_id, place"), _EDITS.format(more="")),
    ]
