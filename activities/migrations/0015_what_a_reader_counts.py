import django.db.models.deletion
from django.db import migrations, models

import contacts.keys


class Migration(migrations.Migration):
    dependencies = [
        ("activities", "0014_activities_as_readers_read"),
        ("contacts", "0011_merges_and_touched_for_readers"),
    ]

    operations = [
        # The reader counts the log anew, from its beginning.
        migrations.DeleteModel(name="ActivityCount"),
        migrations.CreateModel(
            name="ActivityCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "quarter",
                        "type_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("quarter", models.DateTimeField()),
                ("count", models.PositiveBigIntegerField()),
                (
                    "type",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="activities.activitytype",
                    ),
                ),
            ],
            options={"verbose_name": "activity count"},
        ),
        migrations.CreateModel(
            name="ActivityTypeUse",
            fields=[
                (
                    "type",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="use",
                        serialize=False,
                        to="activities.activitytype",
                    ),
                ),
                ("count", models.PositiveBigIntegerField()),
                ("last_at", models.DateTimeField(null=True)),
            ],
            options={"verbose_name": "use of an activity type"},
        ),
        migrations.CreateModel(
            name="ContactSeen",
            fields=[
                (
                    "contact",
                    contacts.keys.ContactKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="seen",
                        serialize=False,
                        to="contacts.contact",
                    ),
                ),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
            ],
            options={
                "verbose_name": "seen contact",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(first_seen__lte=models.F("last_seen")),
                        name="nobody_is_seen_last_before_first",
                    )
                ],
            },
        ),
    ]
