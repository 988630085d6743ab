from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models
from django.db.models.functions import MD5, Lower

import contacts.email_fields
from contacts.models import Composed, Sha256

IS_LIVE = models.Q(merged_into__isnull=True)
HAS_EMAIL = ~models.Q(email="")
HAS_KEY = ~models.Q(email_key="")


class Migration(migrations.Migration):
    """The key by which emails were unique until now becomes a column; the next one improves it."""

    dependencies = [("contacts", "0003_what_lists_are_ordered_by")]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="email_key",
            field=contacts.email_fields.EmailKeyField(blank=True, default="", editable=False),
        ),
        migrations.RunSQL(
            "UPDATE contacts_contact SET email_key = lower(email) WHERE NOT email = ''",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="contact",
            name="email",
            field=contacts.email_fields.EmailField(blank=True, max_length=254),
        ),
        migrations.RemoveConstraint("contact", "one_live_contact_per_email"),
        migrations.RemoveIndex("contact", "contact_email_sha256"),
        migrations.RemoveIndex("contact", "contact_email_md5"),
        migrations.RemoveIndex("contact", "contact_email_prefix"),
        migrations.RemoveIndex("contact", "contact_last_name_prefix"),
        migrations.RemoveIndex("contact", "contact_first_name_prefix"),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                fields=["email_key"],
                condition=IS_LIVE & HAS_KEY,
                name="one_live_contact_per_email",
                violation_error_message="Another contact has this email.",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(email="", email_key="") | (HAS_EMAIL & HAS_KEY),
                name="an_email_has_a_key",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                Sha256("email_key"), condition=IS_LIVE & HAS_EMAIL, name="contact_email_sha256"
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                MD5("email_key"), condition=IS_LIVE & HAS_EMAIL, name="contact_email_md5"
            ),
        ),
        *(
            migrations.AddIndex(
                model_name="contact",
                index=models.Index(
                    OpClass(Lower(Composed(field)), name="text_pattern_ops"),
                    name=f"contact_{field}_prefix",
                    condition=~models.Q(**{field: ""}),
                ),
            )
            for field in ("email", "last_name", "first_name")
        ),
    ]
