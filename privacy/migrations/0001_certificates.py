"""Certificates of erasures, and the lines of the file of erasures that the database knows.

Triggers refuse to change either. Who switches them off, as a superuser can, is found by
`verify_certificates`.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# Tests empty their tables, and say so by hub.empties.
GUARD = """
CREATE FUNCTION privacy_refuse_to_edit_proofs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('hub.empties', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'Proofs of erasures are never edited.' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER certificates_are_never_edited
    BEFORE UPDATE OR DELETE ON privacy_certificate
    FOR EACH ROW EXECUTE FUNCTION privacy_refuse_to_edit_proofs();
CREATE TRIGGER certificates_are_never_emptied
    BEFORE TRUNCATE ON privacy_certificate
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_to_edit_proofs();
CREATE TRIGGER erasure_lines_are_never_edited
    BEFORE UPDATE OR DELETE ON privacy_erasureline
    FOR EACH ROW EXECUTE FUNCTION privacy_refuse_to_edit_proofs();
CREATE TRIGGER erasure_lines_are_never_emptied
    BEFORE TRUNCATE ON privacy_erasureline
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_to_edit_proofs();
"""
UNGUARD = """
DROP TRIGGER erasure_lines_are_never_emptied ON privacy_erasureline;
DROP TRIGGER erasure_lines_are_never_edited ON privacy_erasureline;
DROP TRIGGER certificates_are_never_emptied ON privacy_certificate;
DROP TRIGGER certificates_are_never_edited ON privacy_certificate;
DROP FUNCTION privacy_refuse_to_edit_proofs();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                (
                    "at",
                    models.DateTimeField(
                        help_text="When nothing of the person was left.", verbose_name="erased"
                    ),
                ),
                (
                    "began_at",
                    models.DateTimeField(
                        help_text="From then on the hub knew the person by no name.",
                        verbose_name="begun",
                    ),
                ),
                ("by", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                (
                    "source",
                    models.CharField(
                        help_text="What asked for it: a value of contacts.Erasure.Reason.",
                        max_length=20,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="What tells the ERASURE_KEY from others.", max_length=16
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        help_text=(
                            "Keyed hashes of the names that the person was known by, after their "
                            "kind."
                        ),
                        size=None,
                    ),
                ),
                (
                    "tables",
                    models.JSONField(help_text="How many rows were deleted of each kind."),
                ),
                (
                    "destinations",
                    models.JSONField(
                        help_text=(
                            "Who was asked to delete the person, and who could not be asked and "
                            "why."
                        )
                    ),
                ),
                (
                    "line",
                    models.CharField(
                        blank=True,
                        help_text=(
                            "The hash of the line in the file of erasures with which it began."
                        ),
                        max_length=64,
                    ),
                ),
                ("previous", models.CharField(blank=True, max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("seal", models.CharField(max_length=64)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["names"], name="certificates_of_a_name"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("hash",), name="one_certificate_per_hash"),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)),
                        name="certificates_are_numbered_from_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), _negated=True),
                            models.Q(("by", ""), _negated=True),
                        ),
                        name="a_certificate_says_why_and_by_whom",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ErasureLine",
            fields=[
                (
                    "hash",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("content", models.JSONField()),
                ("seal", models.CharField(max_length=64)),
                ("erasure_id", models.BigIntegerField(null=True)),
                ("by", models.CharField(blank=True, max_length=200)),
                ("reason", models.TextField(blank=True)),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["erasure_id"], name="lines_of_an_erasure")],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
