"""Whatever points at a contact says what becomes of it."""

from django.db import models
from django.test.utils import isolate_apps

from contacts.checks import check_keys_to_contacts, find_undeclared_keys
from contacts.keys import ContactKey, OnErase, OnMerge


def test_every_key_to_a_contact_is_declared():
    assert check_keys_to_contacts(None) == []


@isolate_apps("contacts")
def test_check_refuses_a_plain_foreign_key():
    class Contact(models.Model):
        class Meta:
            app_label = "contacts"

    class Note(models.Model):
        contact = models.ForeignKey(Contact, models.CASCADE)

        class Meta:
            app_label = "contacts"

    (error,) = find_undeclared_keys(Contact)

    assert error.id == "contacts.E001"
    assert "Note.contact" in error.msg


@isolate_apps("contacts")
def test_check_refuses_a_contact_key_without_declarations():
    class Contact(models.Model):
        class Meta:
            app_label = "contacts"

    class Note(models.Model):
        declared = ContactKey(
            Contact,
            on_merge=OnMerge.MOVE,
            on_erase=OnErase.DELETE,
            export=True,
            related_name="+",
        )
        forgotten = ContactKey(Contact, on_merge=OnMerge.MOVE, export=True, related_name="notes")

        class Meta:
            app_label = "contacts"

    (error,) = find_undeclared_keys(Contact)

    assert "Note.forgotten" in error.msg
