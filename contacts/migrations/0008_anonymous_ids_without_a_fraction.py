from importlib import import_module

from django.db import migrations

ids = import_module("contacts.migrations.0006_ids_without_a_fraction")


def ask_to_merge_browsers(apps, schema_editor):
    """Ask to merge the contacts of two IDs of a browser that are one, as was done for user IDs.

    One of them had come as a float, such as 77.0.
    """
    ContactIdentifier = apps.get_model("contacts", "ContactIdentifier")
    floats = ContactIdentifier.objects.filter(
        kind="anonymous_id", value__regex=r"^[+-]?[0-9]+\.0+$"
    )
    for identifier in floats.select_related("contact").order_by("pk").iterator(chunk_size=1000):
        same = ContactIdentifier.objects.filter(
            site_id=identifier.site_id, kind="anonymous_id", value=ids.as_code(identifier.value)
        ).first()
        if same is not None:
            ids._ask_to_merge(apps, ids._live(identifier.contact), ids._live(same.contact))


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_search_by_one_rule")]

    operations = [migrations.RunPython(ask_to_merge_browsers, migrations.RunPython.noop)]
