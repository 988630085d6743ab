from django.db import migrations, models

import database.letter_case

# Names that were two by the database's own rule and are one by ours: all but the oldest (or the
# hub's own) get their id behind it, so nothing is lost, and events of the name go to that one.
RENAME = """
WITH ranked AS (
    SELECT id, row_number() OVER (
        PARTITION BY throughline_fold(code_name) ORDER BY is_system DESC, id
    ) AS place
    FROM activities_activitytype
)
UPDATE activities_activitytype AS type
SET code_name = left(type.code_name, 225) || ' (' || type.id || ')'
FROM ranked WHERE ranked.id = type.id AND ranked.place > 1
"""


class Migration(migrations.Migration):
    dependencies = [
        ("activities", "0011_recorded_in_one_call"),
        ("channels", "0006_letter_case_by_one_rule"),
    ]

    operations = [
        migrations.RunSQL(RENAME, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="activitytype", name="one_activity_type_per_code_name"
        ),
        migrations.AddConstraint(
            model_name="activitytype",
            constraint=models.UniqueConstraint(
                database.letter_case.Fold("code_name"),
                name="one_activity_type_per_code_name",
                violation_error_message="Another activity type has this code name.",
            ),
        ),
    ]
