from django.db import migrations

SYSTEM_TYPES = [
    ("pagevisit", "Page visit", "A contact viewed a page of a website or a screen of an app."),
    ("landingpage", "Landing page", "A visit of a website began here."),
    ("click", "Click", "A contact clicked a button, link or other element."),
    ("datainput", "Data input", "A contact gave data about themselves, such as in a form."),
]


def add_system_types(apps, schema_editor):
    ActivityType = apps.get_model("activities", "ActivityType")
    for code_name, name, description in SYSTEM_TYPES:
        ActivityType.objects.create(
            code_name=code_name, name=name, description=description, is_system=True
        )


class Migration(migrations.Migration):
    dependencies = [("activities", "0001_initial")]

    operations = [migrations.RunPython(add_system_types, migrations.RunPython.noop)]
