import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.functions import Now

NAMES = [
    "email",
    "first_name",
    "middle_name",
    "last_name",
    "mobile_phone",
    "business_phone",
    "company_name",
    "address1",
    "notes",
]


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0022_merges_to_decide"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=Now(), editable=False, verbose_name="next attempt"
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        db_default=0, default=0, editable=False, verbose_name="failed attempts"
                    ),
                ),
                (
                    "last_error",
                    models.TextField(blank=True, db_default="", default="", editable=False),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("request", "A request of the person"),
                            ("api", "An application, over /api/3"),
                            ("command", "A command"),
                            ("retention", "A rule of retention"),
                            ("restored", "A backup had brought the person back"),
                            ("code", "Python code"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "requested_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="requested"
                    ),
                ),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
                (
                    "contact_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, editable=False, size=None
                    ),
                ),
                ("names", models.JSONField(default=dict, editable=False)),
                (
                    "counts",
                    models.JSONField(
                        default=dict,
                        help_text="How many rows were deleted or cleared so far, by table.",
                    ),
                ),
                (
                    "expected",
                    models.PositiveBigIntegerField(
                        default=0, help_text="About how many rows there were to delete or to clear."
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=["due_at"],
                        name="due_erasures",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finished_at__isnull", True),
                            models.Q(("contact_ids", []), ("last_error", ""), ("names", {})),
                            _connector="OR",
                        ),
                        name="a_finished_erasure_names_nobody",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ErasedName",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind",
                        "digest",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("guid", "GUID"),
                            ("email", "Email"),
                            ("email_md5", "Email, as MD5"),
                            ("identifier", "Identifier"),
                            ("key", "The key itself"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "digest",
                    models.BinaryField(help_text="HMAC-SHA-256 of the name, under ERASURE_KEY."),
                ),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="erased"),
                ),
            ],
            options={"verbose_name": "erased name", "default_permissions": ()},
        ),
        migrations.RemoveConstraint(model_name="contact", name="no_contact_is_merged_into_itself"),
        AddConstraintNotValid(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True),
                    models.Q(("merged_into", models.F("pk")), _negated=True),
                    models.Q(**dict.fromkeys(NAMES, ""), birthday__isnull=True),
                    _connector="OR",
                ),
                name="only_who_is_being_erased_is_merged_into_itself",
            ),
        ),
    ]
