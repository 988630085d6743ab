import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("privacy", "0005_people_of_a_certificate"),
    ]

    operations = [
        migrations.AddField(
            model_name="retentionrule",
            name="asked_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="retentionrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("asked_by__isnull", True),
                    ("enabled_by__isnull", True),
                    models.Q(("enabled_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_approves_of_a_retention_rule_of_their_own",
                violation_error_message="Another user has to approve.",
            ),
        ),
    ]
