"""Notes and tags on the page of a contact, and the card that tells people apart."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from adminsite.formatting import change_url, changelist_url
from contacts.admin.card import best_known_name
from contacts.annotating import add_note, get_or_create_tag, tag_contacts
from contacts.annotations import ContactNote, ContactTag, Tag
from contacts.models import Contact, ContactIdentifier
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def post(client, contact, act, **data):
    return client.post(
        reverse(f"admin:contacts_contact_{act}", args=[contact.pk]), data, follow=True
    )


def test_a_note_is_in_the_timeline_with_its_author(admin_client):
    contact = make_contact()

    page = post(admin_client, contact, "note", text="Called <b>back</b>").text

    assert "Called &lt;b&gt;back&lt;/b&gt;" in page
    assert "Note of admin" in page
    assert "The note is in the timeline." in page


def test_an_empty_note_is_refused_with_a_reason(admin_client):
    page = post(admin_client, make_contact(), "note", text=" ").text

    assert "Write something first." in page
    assert not ContactNote.objects.exists()


@pytest.mark.parametrize(
    ("permissions", "is_own", "is_gone"),
    [
        (("change_contact", "view_contact"), True, True),
        (("change_contact", "view_contact"), False, False),
        (("change_contact", "view_contact", "delete_contactnote"), False, True),
        (("view_contact",), True, False),
    ],
)
def test_users_delete_their_own_notes(log_in, permissions, is_own, is_gone):
    client, contact = log_in(*permissions), make_contact()
    author = User.objects.get(username="reader") if is_own else None
    note = add_note(contact.pk, "Hello", by=author)

    shown = "Delete this note" in client.get(change_url(contact)).text
    post(client, contact, "forget_note", note=note.pk)

    assert shown == is_gone
    assert ContactNote.objects.exists() != is_gone


def test_a_note_of_another_contact_is_not_deleted(admin_client):
    note = add_note(make_contact().pk, "Hello", by=None)

    page = post(admin_client, make_contact(), "forget_note", note=note.pk).text

    assert "This note is not there any more." in page
    assert ContactNote.objects.exists()


def test_a_tag_is_given_and_taken_on_the_page(admin_client):
    contact = make_contact()

    given = post(admin_client, contact, "tag", tag="<VIP>").text
    tag = Tag.objects.get()
    again = post(admin_client, contact, "tag", tag="<vip>").text
    taken = post(admin_client, contact, "untag", tag=tag.pk).text
    twice = post(admin_client, contact, "untag", tag=tag.pk).text

    assert "&lt;VIP&gt;" in given
    assert ": remove this tag" in again
    assert ": remove this tag" not in taken
    assert "does not have this tag any more" in twice
    assert not ContactTag.objects.exists()


@pytest.mark.parametrize("act", ["note", "tag", "untag", "forget_note"])
def test_who_may_not_change_contacts_writes_nothing(log_in, act):
    contact, client = make_contact(), log_in("view_contact")

    assert post(client, contact, act, text="x", tag="x").status_code == 403
    assert "Write a note" not in client.get(change_url(contact)).text
    assert not Tag.objects.exists()


@pytest.mark.parametrize("act", ["note", "tag"])
def test_nothing_is_written_about_a_contact_that_was_merged(admin_client, act):
    contact = make_contact(merged_into=make_contact())

    assert post(admin_client, contact, act, text="x", tag="x").status_code == 403


@pytest.mark.parametrize("key", ["", "x", "9" * 30, "-1"])
def test_a_tag_or_note_that_makes_no_sense_is_not_there(admin_client, key):
    contact = make_contact()

    assert "any more" in post(admin_client, contact, "untag", tag=key).text
    assert "any more" in post(admin_client, contact, "forget_note", note=key).text


def test_tags_are_offered_by_any_part_of_their_names(admin_client, log_in):
    for name in ("Very important", "Press", "<script>"):
        get_or_create_tag(name)
    address = reverse("admin:contacts_contact_tags")

    assert 'value="Very important"' in admin_client.get(address, {"tag": "IMPORT"}).text
    assert "Press" not in admin_client.get(address, {"tag": "IMPORT"}).text
    assert admin_client.get(address).text.count("<option") == 3
    assert "<script>" not in admin_client.get(address).text
    assert log_in("view_activity").get(address).status_code == 403


def test_the_list_of_contacts_is_filtered_by_tag(admin_client):
    tag, tagged = get_or_create_tag("VIP"), make_contact(last_name="Tagged")
    make_contact(last_name="Other")
    tag_contacts([tagged.pk], tag, by=None)
    ContactTag.objects.create(contact=tagged, tag=tag)  # as a merge may leave it
    url = changelist_url(Contact)

    found = admin_client.get(url, {"tag": tag.pk}).context["cl"].result_list
    nobody = admin_client.get(url, {"tag": tag.pk + 1}).context["cl"].result_list

    assert list(found) == [tagged]
    assert list(nobody) == []


def test_the_list_of_tags_says_how_many_contacts_have_each(admin_client):
    tag, contact = get_or_create_tag("VIP"), make_contact()
    get_or_create_tag("Nobody")
    for _ in range(2):
        ContactTag.objects.create(contact=contact, tag=tag)

    rows = admin_client.get(changelist_url(Tag)).context["cl"].result_list

    assert [(row.name, row.contact_count) for row in rows] == [("Nobody", 0), ("VIP", 1)]


def test_a_tag_is_renamed_by_the_rules_of_tags(admin_client):
    tag = get_or_create_tag("VIP")
    get_or_create_tag("Press")

    taken = admin_client.post(change_url(tag), {"name": "PRESS"})
    admin_client.post(change_url(tag), {"name": "  Very   important "})

    assert "Another tag has this name." in taken.text
    tag.refresh_from_db()
    assert tag.name == "Very important"


def test_deleting_a_tag_takes_it_from_everybody(admin_client):
    tag, contact = get_or_create_tag("VIP"), make_contact()
    tag_contacts([contact.pk], tag, by=None)

    admin_client.post(reverse("admin:contacts_tag_delete", args=[tag.pk]), {"post": "yes"})

    assert not ContactTag.objects.exists()
    assert Contact.objects.filter(pk=contact.pk).exists()


@pytest.mark.parametrize(
    ("fields", "identifiers", "name"),
    [
        ({"last_name": "Stein", "email": "a@example.com"}, {}, "Stein"),
        ({"email": "a@example.com"}, {"user_id": "u1"}, "a@example.com"),
        ({}, {"anonymous_id": "b7", "user_id": "u1"}, "User ID u1"),
        ({}, {"anonymous_id": "b7", "email_sha256": "0" * 64}, "Anonymous ID b7"),
        ({}, {"email_md5": "0" * 32}, None),
    ],
)
def test_a_contact_is_called_by_what_is_best_known(fields, identifiers, name):
    contact = make_contact(**fields)
    for kind, value in identifiers.items():
        ContactIdentifier.objects.create(contact=contact, site_id="s", kind=kind, value=value)

    assert best_known_name(contact) == (name or f"Anonymous {str(contact.guid)[:8]}")
