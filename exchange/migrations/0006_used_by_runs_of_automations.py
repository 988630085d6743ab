from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0005_what_checks_tell")]

    operations = [
        migrations.AlterField(
            model_name="keptbyundo",
            name="reason",
            field=models.CharField(
                choices=[
                    ("active", "Did something since"),
                    ("changed", "Was changed since"),
                    ("merged", "Was merged with another contact since"),
                    (
                        "used",
                        "Is used by something else since, such as a note, a tag, an email or a run"
                        " of an automation",
                    ),
                    ("email_taken", "Another contact has the email of before by now"),
                    (
                        "revoked",
                        "A revocation of the import stays: an undo never agrees for anybody",
                    ),
                ],
                max_length=20,
            ),
        ),
    ]
