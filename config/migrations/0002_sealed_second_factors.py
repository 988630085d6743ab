from django.db import migrations

from config.logins.sealing import seal_all


def seal(apps, schema_editor):
    authenticators = apps.get_model("mfa", "Authenticator").objects
    for one in authenticators.filter(type__in=["totp", "recovery_codes"]).select_for_update():
        one.data = seal_all(one.data)
        one.save(update_fields=["data"])


class Migration(migrations.Migration):
    """Secrets of authenticator apps and recovery codes stood in the database as they are."""

    dependencies = [("config", "0001_initial"), ("mfa", "0003_authenticator_type_uniq")]

    # Before, no code would fit a sealed one.
    operations = [migrations.RunPython(seal)]
