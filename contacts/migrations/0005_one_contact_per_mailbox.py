from django.db import migrations, models
from django.db.models.functions import Lower

from contacts.emails import mailbox, unseen_character

DETAIL = "Both emails are spellings of one mailbox."


def bring_spellings_together(apps, schema_editor):
    """Give every email the key of its mailbox, or ask for a merge with the contact who has it.

    Contacts who wait for that merge keep the key that they had, which no look-up asks for.
    """
    Contact = apps.get_model("contacts", "Contact")
    # Of all others, the key is their lower case.
    special = Contact.objects.filter(email__regex=r'[^\x20-\x7e]|"').order_by("pk")
    for contact in special.iterator(chunk_size=1000):
        key = Lower(models.Value(mailbox(contact.email)))
        others = Contact.objects.filter(merged_into=None).exclude(email_key="")
        other = others.filter(email_key=key).exclude(pk=contact.pk).first()
        if other is None or contact.merged_into_id is not None:
            Contact.objects.filter(pk=contact.pk).update(email_key=key)
        else:
            _ask_to_merge(apps, contact, other)


def _ask_to_merge(apps, one, other):
    ContactMerge = apps.get_model("contacts", "ContactMerge")
    # As always, the older one survives, but not with an email that nothing can be sent to.
    survivor, loser = sorted((one, other), key=lambda c: (bool(unseen_character(c.email)), c.pk))
    asked = ContactMerge.objects.filter(
        survivor__in=(one, other), loser__in=(one, other), status__in=["pending", "review"]
    )
    # Different emails were a question for a person until now; these are not different.
    if not asked.update(status="pending", detail=DETAIL):
        ContactMerge.objects.create(
            survivor=survivor, loser=loser, reason="same_email", detail=DETAIL
        )


class Migration(migrations.Migration):
    """Two spellings of one mailbox become one contact: a worker carries the merges out."""

    dependencies = [("contacts", "0004_keys_of_emails")]

    operations = [migrations.RunPython(bring_spellings_together, migrations.RunPython.noop)]
