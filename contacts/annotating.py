"""Notes about contacts, and their tags: written, given and taken."""

import re
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction

from contacts.annotations import LONGEST_NOTE, LONGEST_TAG, ContactNote, ContactTag, Tag
from contacts.merging import lock_all_live, lock_live
from database.lookups import Among


class CannotAnnotate(Exception):
    """This can be no note, or no tag; the message says why, for the user who wrote it."""


@transaction.atomic
def add_note(contact_id: int, text: str, *, by: User | None) -> ContactNote:
    """Note `text` about the live contact that this one has become.

    :raises CannotAnnotate: if there is nothing to note, or too much
    :raises Contact.DoesNotExist: if the contact was erased
    """
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise CannotAnnotate("Write something first.")
    if len(text) > LONGEST_NOTE:
        raise CannotAnnotate(f"A note has {LONGEST_NOTE:,} characters at most.")
    (contact,) = lock_live(contact_id)
    return ContactNote.objects.create(contact=contact, text=text, by=by)


def clean_tag_name(name: str) -> str:
    """`name` as a tag has it: without spaces around it, and with single ones in it.

    :raises CannotAnnotate: if no tag can be called so
    """
    name = re.sub(r"[\s\0]+", " ", name).strip()
    if not name:
        raise CannotAnnotate("Write the name of a tag first.")
    if len(name) > LONGEST_TAG:
        raise CannotAnnotate(f"The name of a tag has {LONGEST_TAG} characters at most.")
    return name


def find_tag(name: str) -> Tag | None:
    """The tag with this name, in any letter case, or None."""
    return Tag.objects.filter(name__fold=name.replace("\0", " ")).first()


def get_or_create_tag(name: str) -> Tag:
    """The tag with this name, in any letter case; a new one if there is none.

    :raises CannotAnnotate: if no tag can be called so
    """
    name = clean_tag_name(name)
    if found := find_tag(name):
        return found
    # Two users who think of one name at once get one tag: one_tag_per_name.
    Tag.objects.bulk_create([Tag(name=name)], ignore_conflicts=True)
    found = find_tag(name)
    assert found is not None
    return found


@transaction.atomic
def tag_contacts(contact_ids: Collection[int], tag: Tag, *, by: User | None) -> int:
    """Give `tag` to the live contacts that these have become; return how many had it not.

    Those who were erased are left out. So many contacts are locked until the transaction ends.
    """
    live = {contact.pk for contact in lock_all_live(contact_ids).values()}
    have = ContactTag.objects.filter(Among("contact", live), tag=tag)
    new = sorted(live - set(have.values_list("contact", flat=True)))
    ContactTag.objects.bulk_create(ContactTag(contact_id=pk, tag=tag, by=by) for pk in new)
    return len(new)


@transaction.atomic
def untag_contacts(contact_ids: Collection[int], tag: Tag) -> int:
    """Take `tag` from the live contacts that these have become; return how many had it."""
    live = {contact.pk for contact in lock_all_live(contact_ids).values()}
    have = ContactTag.objects.filter(Among("contact", live), tag=tag)
    having = set(have.values_list("contact", flat=True))
    have.delete()
    return len(having)
