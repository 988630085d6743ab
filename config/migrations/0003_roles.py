from django.db import migrations

ROLES = ["Marketer", "Developer", "Data-protection officer", "Operator"]


def make_roles(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects
    for name in ROLES:
        # A group of an administrator's own keeps its users and permissions, under another name.
        if own := groups.filter(name=name).first():
            own.name = f"{name} (before there were roles)"
            own.save(update_fields=["name"])
        groups.create(name=name)


def remove_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    """The permissions of the roles are made after migrations, and given to them then."""

    dependencies = [
        ("config", "0002_sealed_second_factors"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make_roles, remove_roles)]
