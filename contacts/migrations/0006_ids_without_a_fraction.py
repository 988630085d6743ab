from django.db import migrations

from contacts.codes import as_code
from contacts.emails import are_one_mailbox

DETAIL = "Both are the same ID: one came with “.0” behind it."


def bring_ids_together(apps, schema_editor):
    """Keep an ID that had become a float, such as 4711.0, as 4711.

    If that is kept already, its contact and this one are asked to be merged: by a worker, or, if
    they have different emails, by a person.
    """
    ContactIdentifier = apps.get_model("contacts", "ContactIdentifier")
    floats = ContactIdentifier.objects.filter(
        kind__in=["user_id", "anonymous_id"], value__regex=r"^[+-]?[0-9]+\.0+$"
    )
    for identifier in floats.select_related("contact").order_by("pk").iterator(chunk_size=1000):
        code = as_code(identifier.value)
        same = ContactIdentifier.objects.filter(
            site_id=identifier.site_id, kind=identifier.kind, value=code
        ).first()
        if same is None:
            ContactIdentifier.objects.filter(pk=identifier.pk).update(value=code)
        elif identifier.kind == "user_id":
            _ask_to_merge(apps, _live(identifier.contact), _live(same.contact))


def _live(contact):
    while contact.merged_into is not None:
        contact = contact.merged_into
    return contact


def _ask_to_merge(apps, one, other):
    ContactMerge = apps.get_model("contacts", "ContactMerge")
    asked = ContactMerge.objects.filter(survivor__in=(one, other), loser__in=(one, other))
    if one.pk == other.pk or asked.exclude(status="done").exists():
        return
    survivor, loser = sorted((one, other), key=lambda contact: (not contact.email, contact.pk))
    emails_differ = one.email and other.email and not are_one_mailbox(one.email, other.email)
    ContactMerge.objects.create(
        survivor=survivor,
        loser=loser,
        reason="identifier",
        status="review" if emails_differ else "pending",
        detail=DETAIL,
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0005_one_contact_per_mailbox")]

    operations = [migrations.RunPython(bring_ids_together, migrations.RunPython.noop)]
