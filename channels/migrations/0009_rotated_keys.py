import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("channels", "0008_domains_without_ports_that_are_not_sent")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="last_used_address",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="The network of the caller; of a private network, the address.",
                max_length=45,
                verbose_name="used from",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="last_used_origin",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=255,
                verbose_name="used by the website",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="replaced_by",
            field=models.OneToOneField(
                editable=False,
                help_text="The key that was made when this one was rotated.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replaces",
                to="channels.apikey",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("replaced_by__isnull", True), ("expires_at__isnull", False), _connector="OR"
                ),
                name="a_replaced_key_ends",
                violation_error_message="A key that was rotated has to end.",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("replaced_by__isnull", True),
                    models.Q(("replaced_by", models.F("pk")), _negated=True),
                    _connector="OR",
                ),
                name="no_key_replaces_itself",
            ),
        ),
    ]
