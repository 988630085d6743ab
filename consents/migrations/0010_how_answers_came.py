from django.db import migrations, models

# Beside the trigger that refuses to edit the other columns.
CREATE = """
CREATE TRIGGER ways_of_agreements_are_never_edited
    BEFORE UPDATE OF came_by ON consents_consentagreement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_edit_an_agreement();
"""
DROP = "DROP TRIGGER ways_of_agreements_are_never_edited ON consents_consentagreement;"


class Migration(migrations.Migration):
    dependencies = [("consents", "0009_whether_earlier_texts_count")]

    operations = [
        migrations.AddField(
            model_name="consentagreement",
            name="came_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=250,
                verbose_name="how it came",
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
