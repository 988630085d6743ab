from django.db import migrations

# What the Commanders Act format documents of a user, as far as contacts have a field for it.
USUAL = {
    "email": "ContactEmail",
    "firstname": "ContactFirstName",
    "lastname": "ContactLastName",
    "birthdate": "ContactBirthday",
    "phone": "ContactMobilePhone",
    "street": "ContactAddress1",
    "city": "ContactCity",
    "zipcode": "ContactZIP",
    "country": "ContactCountry",
    "state": "ContactState",
}


def add_usual(apps, schema_editor):
    properties = apps.get_model("tracking", "UserProperty").objects
    for name, contact_field in USUAL.items():
        properties.create(name=name, contact_field=contact_field)


class Migration(migrations.Migration):

    dependencies = [("tracking", "0002_how_other_systems_are_understood")]

    operations = [migrations.RunPython(add_usual, migrations.RunPython.noop)]
