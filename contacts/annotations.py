"""What users write about contacts: dated notes, and tags. Models; `annotating.py` writes them."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from database.letter_case import Fold

LONGEST_NOTE = 10_000
LONGEST_TAG = 50


class ContactNote(models.Model):
    """What a user has noted about a contact, at a time."""

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="dated_notes",
        db_index=False,  # notes_of_a_contact
    )
    text = models.TextField(max_length=LONGEST_NOTE)
    at = models.DateTimeField("time", default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "note"
        constraints = [
            models.CheckConstraint(condition=~models.Q(text=""), name="a_note_says_something")
        ]
        indexes = [models.Index(fields=["contact", "-at", "-id"], name="notes_of_a_contact")]

    def __str__(self) -> str:
        return f"Note of {timezone.localtime(self.at):%d %b %Y %H:%M}"


class Tag(models.Model):
    """A word by which users keep contacts together, such as “VIP”."""

    name = models.CharField(max_length=LONGEST_TAG)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    # Imports are of a room above.
    import_id = models.BigIntegerField(
        null=True, editable=False, help_text="The import that has made it."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Fold("name"),
                name="one_tag_per_name",
                violation_error_message="Another tag has this name.",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="a_tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactTag(models.Model):
    """That a contact has a tag.

    After a merge, the survivor may have a tag twice: the rows of the other contact have come to it,
    so that undoing the merge can take them back. So none of the code counts these rows.
    """

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="tagged",
        db_index=False,  # tags_of_a_contact
    )
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="tagged", db_index=False)
    at = models.DateTimeField("time", default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    import_id = models.BigIntegerField(
        null=True, editable=False, help_text="The import that has given it."
    )

    class Meta:
        verbose_name = "tag of a contact"
        verbose_name_plural = "tags of contacts"
        default_permissions = ()
        indexes = [
            models.Index(fields=["contact", "tag"], name="tags_of_a_contact"),
            models.Index(fields=["tag", "contact"], name="contacts_with_a_tag"),
            models.Index(
                fields=["import_id", "id"],
                condition=models.Q(import_id__isnull=False),
                name="tags_by_an_import",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag} at {self.contact}"
