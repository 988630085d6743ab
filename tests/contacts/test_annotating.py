"""Notes about contacts, and their tags: what a merge does to them, and what cannot be one."""

import pytest
from django.db import IntegrityError

from contacts.annotating import (
    CannotAnnotate,
    add_note,
    get_or_create_tag,
    tag_contacts,
    untag_contacts,
)
from contacts.annotations import ContactNote, ContactTag, Tag
from contacts.models import Contact
from tests.contacts.merged import merge
from tests.factories import make_contact
from tests.threads import run_at_once


def test_a_note_is_kept_with_its_author(admin_user):
    contact = make_contact()

    note = add_note(contact.pk, "  Called,\r\nwants a loan ", by=admin_user)

    assert (note.contact, note.by, note.text) == (contact, admin_user, "Called,\nwants a loan")


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "  \n", "\0", "x" * 10_001])
def test_what_is_no_note_is_refused(text):
    with pytest.raises(CannotAnnotate):
        add_note(make_contact().pk, text, by=None)

    assert not ContactNote.objects.exists()


@pytest.mark.django_db
def test_a_note_about_a_merged_contact_is_about_the_survivor():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    before = add_note(loser.pk, "Before", by=None)
    merge(survivor, loser)

    after = add_note(loser.pk, "After", by=None)

    before.refresh_from_db()
    assert (before.contact, after.contact) == (survivor, survivor)


@pytest.mark.django_db
def test_a_note_about_nobody_is_refused():
    with pytest.raises(Contact.DoesNotExist):
        add_note(1, "Hello", by=None)


@pytest.mark.django_db
def test_tags_are_one_in_any_letter_case_and_spacing():
    tag = get_or_create_tag("  Very \n important ")

    assert tag.name == "Very important"
    assert get_or_create_tag("VERY IMPORTANT") == tag
    assert get_or_create_tag("Ver") != tag


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "  ", "\0", "x" * 51])
def test_what_is_no_name_of_a_tag_is_refused(name):
    with pytest.raises(CannotAnnotate):
        get_or_create_tag(name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make", "constraint"),
    [
        (lambda: Tag.objects.create(name="vip"), "one_tag_per_name"),
        (lambda: Tag.objects.create(name=""), "a_tag_has_a_name"),
        (lambda: make_contact().dated_notes.create(text=""), "a_note_says_something"),
    ],
)
def test_the_database_holds_the_rules(make, constraint):
    Tag.objects.create(name="VIP")

    with pytest.raises(IntegrityError, match=constraint):
        make()


@pytest.mark.django_db
def test_a_tag_is_given_once_and_taken_as_a_whole():
    tag, first, second = get_or_create_tag("VIP"), make_contact(), make_contact()

    assert tag_contacts([first.pk], tag, by=None) == 1
    assert tag_contacts([first.pk, second.pk, 99_999_999], tag, by=None) == 1
    assert ContactTag.objects.count() == 2
    assert untag_contacts([first.pk, second.pk], tag) == 2
    assert untag_contacts([first.pk], tag) == 0
    assert not ContactTag.objects.exists()


@pytest.mark.django_db
def test_a_merge_brings_the_tags_of_both_together():
    vip, press = get_or_create_tag("VIP"), get_or_create_tag("Press")
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    tag_contacts([survivor.pk, loser.pk], vip, by=None)
    tag_contacts([loser.pk], press, by=None)

    merge(survivor, loser)

    # One of them twice, so that the merge can be undone: see ContactTag.
    assert set(survivor.tagged.values_list("tag__name", flat=True)) == {"VIP", "Press"}
    assert untag_contacts([loser.pk], vip) == 1
    assert set(survivor.tagged.values_list("tag__name", flat=True)) == {"Press"}


@pytest.mark.django_db(transaction=True)
def test_two_users_who_give_one_tag_at_once_give_it_once():
    contact = make_contact()

    def give():
        return tag_contacts([contact.pk], get_or_create_tag("VIP"), by=None)

    given = run_at_once(give, give)

    assert sorted(given) == [0, 1]
    assert ContactTag.objects.count() == 1
    assert Tag.objects.count() == 1
