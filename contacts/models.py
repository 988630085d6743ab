"""People, and how two records of one person became one."""

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import MD5, ExtractDay, ExtractMonth, Now
from django.utils import timezone

from contacts.annotations import ContactNote, ContactTag, Tag
from contacts.email_fields import EmailField, EmailKeyField, email_key
from contacts.emails import LONGEST_EMAIL
from contacts.erased import ErasedName, Erasure
from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.merges import ContactMerge, DuplicateSearch, MovedRows, UndoneMerge
from contacts.texts import ContactText
from database.grams import Plain, indexed_grams
from database.transaction_ids import CurrentTransactionId, TransactionIdField

__all__ = [
    "Contact",
    "ContactChange",
    "ContactIdentifier",
    "ContactMerge",
    "ContactNote",
    "ContactTag",
    "DuplicateSearch",
    "ErasedName",
    "Erasure",
    "MovedRows",
    "Tag",
    "Touched",
    "UndoneMerge",
]


class Sha256(models.Func):
    """The SHA-256 of a text in hexadecimal digits; immutable, so that it can be indexed."""

    # PostgreSQL takes the hash of bytes only, and a backslash begins an escape among them.
    template = r"encode(sha256(decode(replace(%(expressions)s, '\', '\\'), 'escape')), 'hex')"
    output_field = models.TextField()


class Composed(models.Func):
    """A text in the Unicode form NFC, in indexes that earlier migrations make."""

    template = "normalize(%(expressions)s, NFC)"
    output_field = models.TextField()


class ContactQuerySet(models.QuerySet):
    def live(self):
        """Contacts that were not merged into another."""
        return self.filter(merged_into__isnull=True)

    def with_email(self, email: str):
        """The live contact with this email, in whatever spelling of its mailbox."""
        # The constraint leaves contacts without email out, and its index serves only queries that
        # do so, too.
        return self.live().exclude(email_key="").filter(email_key=email_key(email))

    def with_email_hash(self, *, sha256: str = "", md5: str = ""):
        """The live contact with an email of one of these hashes, made of its key."""
        matches = models.Q(pk=None)
        if sha256:
            matches |= models.Q(email_sha256=sha256)
        if md5:
            matches |= models.Q(email_md5=md5)
        hashed = self.annotate(email_sha256=Sha256("email_key"), email_md5=MD5("email_key"))
        return hashed.live().exclude(email="").filter(matches)

    def update(self, **fields):
        """Change these fields of all contacts, the key of their email together with the email."""
        if isinstance(email := fields.get("email"), str):
            fields["email_key"] = email_key(email)
        return super().update(**fields)

    def locked(self):
        """Lock in id order, so that two callers cannot wait for each other.

        The lock does not stop rows that refer to these contacts from being inserted.
        """
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Contact(models.Model):
    """One person, anonymous until a name or an email arrives.

    A contact that was merged into another stays: its GUID resolves to the survivor for ever. One
    that is being erased has no name any more and is merged into itself, so it resolves to nobody.
    """

    guid = models.UUIDField("GUID", default=uuid.uuid4, unique=True, editable=False)
    merged_into = ContactKey(
        "self",
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        null=True,
        blank=True,
        editable=False,
        related_name="merged_contacts",
    )
    email = EmailField(max_length=LONGEST_EMAIL, blank=True)
    email_key = EmailKeyField(default="", blank=True, editable=False)
    first_name = models.CharField(max_length=100, blank=True)
    middle_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    birthday = models.DateField(null=True, blank=True)
    mobile_phone = models.CharField("private phone", max_length=26, blank=True)
    business_phone = models.CharField(max_length=26, blank=True)
    company_name = models.CharField("company", max_length=100, blank=True)
    job_title = models.CharField(max_length=50, blank=True)
    address1 = models.CharField("address", max_length=100, blank=True)
    city = models.CharField(max_length=100, blank=True)
    zip = models.CharField("ZIP", max_length=100, blank=True)
    country = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=2, blank=True)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    # Contacts from before there was this column have none.
    recorded_in = TransactionIdField(
        "transaction", null=True, editable=False, db_default=CurrentTransactionId()
    )

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email_key"],
                condition=models.Q(merged_into__isnull=True) & ~models.Q(email_key=""),
                name="one_live_contact_per_email",
                violation_error_message="Another contact has this email.",
            ),
            models.CheckConstraint(
                condition=models.Q(email="", email_key="")
                | (~models.Q(email="") & ~models.Q(email_key="")),
                name="an_email_has_a_key",
            ),
            # Merged into itself it leads to nobody, for everything that looks for live contacts.
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True)
                | ~models.Q(merged_into=models.F("pk"))
                | models.Q(
                    email="",
                    first_name="",
                    middle_name="",
                    last_name="",
                    mobile_phone="",
                    business_phone="",
                    company_name="",
                    address1="",
                    notes="",
                    birthday__isnull=True,
                ),
                name="only_who_is_being_erased_is_merged_into_itself",
            ),
            models.CheckConstraint(
                condition=models.Q(country="") | models.Q(country__regex=r"^[A-Z]{3}$"),
                name="country_is_three_letters",
                violation_error_message="Choose a country.",
            ),
            models.CheckConstraint(
                condition=models.Q(state="")
                | (models.Q(state__regex=r"^[A-Z]{2}$") & models.Q(country__in=["", "USA"])),
                name="state_is_of_the_usa",
                violation_error_message="Only contacts in the USA have a state.",
            ),
        ]
        indexes = [
            # Of merged ones, too: PostgreSQL makes no use of the statistics of a partial index.
            GinIndex(indexed_grams(ContactText()), name="contacts_by_any_part"),
            models.Index(fields=["-created_at", "-id"], name="contact_newest_first"),
            models.Index(
                fields=["country", "-created_at", "-id"],
                name="contacts_of_a_country",
                condition=~models.Q(country=""),
            ),
            # Other systems name people by the hash of their email. The condition is not the one of
            # the constraint, or PostgreSQL might read all of such an index to find one key.
            models.Index(
                Sha256("email_key"),
                name="contact_email_sha256",
                condition=models.Q(merged_into__isnull=True) & ~models.Q(email=""),
            ),
            models.Index(
                MD5("email_key"),
                name="contact_email_md5",
                condition=models.Q(merged_into__isnull=True) & ~models.Q(email=""),
            ),
            models.Index(
                fields=["recorded_in", "id"],
                condition=models.Q(recorded_in__isnull=False),
                name="contacts_as_readers_read",
            ),
            models.Index(
                ExtractMonth("birthday"),
                ExtractDay("birthday"),
                condition=models.Q(birthday__isnull=False, merged_into__isnull=True),
                name="contacts_by_birthday",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    def save(self, *args, update_fields=None, **kwargs):
        """Save the contact, the key of its email together with the email."""
        if update_fields is not None and "email" in update_fields:
            update_fields = {*update_fields, "email_key"}
        super().save(*args, update_fields=update_fields, **kwargs)

    def validate_constraints(self, exclude=None):
        """Check the rules of the database but that of the email, whose key is made when it saves.

        :raises ValidationError: if one is broken
        """
        super().validate_constraints(exclude={*(exclude or ()), "email_key"})

    @property
    def full_name(self) -> str:
        """First, middle and last name, as far as they are known."""
        return " ".join(filter(None, (self.first_name, self.middle_name, self.last_name)))

    @property
    def display_name(self) -> str:
        """What to call this contact on a page: name, else email, else what tells it from others."""
        return self.full_name or self.email or self.anonymous_name

    @property
    def anonymous_name(self) -> str:
        """“Anonymous 3f2a9c, Vienna”: with the beginning of the GUID, and where it is from."""
        place = self.city or self.company_name
        return f"Anonymous {self.short_code}{f', {place}' if place else ''}"

    @property
    def short_code(self) -> str:
        """The beginning of the GUID, by which people tell anonymous contacts apart."""
        return self.guid.hex[:6]


class ContactIdentifier(models.Model):
    """What another system knows a contact by, such as the id of a user or of a browser."""

    class Kind(models.TextChoices):
        ANONYMOUS_ID = "anonymous_id", "Anonymous ID"
        USER_ID = "user_id", "User ID"
        EMAIL_SHA256 = "email_sha256", "Email, as SHA-256"
        EMAIL_MD5 = "email_md5", "Email, as MD5"

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="identifiers",
    )
    site_id = models.CharField(
        "site ID", max_length=32, help_text="The site that the identifier has a meaning on."
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    value = models.CharField(max_length=250)
    created_at = models.DateTimeField("first seen", default=timezone.now)
    # Imports are of a room above.
    import_id = models.BigIntegerField(
        null=True, editable=False, help_text="The import that brought it."
    )

    class Meta:
        verbose_name = "identifier"
        constraints = [
            models.UniqueConstraint(
                fields=["site_id", "kind", "value"], name="one_contact_per_identifier"
            )
        ]
        indexes = [
            GinIndex(indexed_grams(Plain("value")), name="identifiers_by_any_part"),
            models.Index(
                fields=["import_id", "id"],
                condition=models.Q(import_id__isnull=False),
                name="identifiers_by_an_import",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"


class ContactChange(models.Model):
    """What became different about a contact, from which source, and when. Never edited."""

    class Source(models.TextChoices):
        ADMIN = "admin", "A user of the admin"
        DATA_INPUT = "data_input", "A data input"
        API = "api", "An application, over /api/3"
        IDENTIFIED = "identified", "An event that named the contact"
        MERGE = "merge", "A merge"
        UNDO = "undo", "The undo of a merge or of an import"
        AUTOMATION = "automation", "An automation"
        IMPORT = "import", "An import"
        CODE = "code", "Python code"

    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="changes",
        db_index=False,  # changes_of_a_contact
    )
    source = models.CharField(max_length=20, choices=Source.choices)
    before = models.JSONField(help_text="The fields that differ, as they were.")
    after = models.JSONField(help_text="The same fields, as they became.")
    at = models.DateTimeField("time", default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # No key of the database points at an activity: the log can be cut into months.
    activity_id = models.BigIntegerField(
        null=True, editable=False, help_text="The activity whose data input it was."
    )
    merge = models.ForeignKey(ContactMerge, models.CASCADE, null=True, related_name="changes")
    # Imports are of a room above.
    import_id = models.BigIntegerField(
        null=True, editable=False, help_text="The import that it was, or that was undone."
    )
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "change"
        constraints = [
            models.CheckConstraint(
                # Of an undone merge, one of the two contacts may have been erased, and the merge.
                condition=models.Q(source="merge", merge__isnull=False)
                | models.Q(source="undo")
                | (~models.Q(source__in=["merge", "undo"]) & models.Q(merge__isnull=True)),
                name="a_change_by_a_merge_names_it",
            ),
            models.CheckConstraint(
                condition=models.Q(source="data_input", activity_id__isnull=False)
                | (~models.Q(source="data_input") & models.Q(activity_id__isnull=True)),
                name="a_change_by_a_data_input_names_its_activity",
            ),
            models.CheckConstraint(
                condition=models.Q(source="import", import_id__isnull=False)
                | models.Q(source="undo")
                | (~models.Q(source__in=["import", "undo"]) & models.Q(import_id__isnull=True)),
                name="a_change_by_an_import_names_it",
            ),
            models.CheckConstraint(
                condition=~models.Q(before=models.F("after")), name="a_change_changes_something"
            ),
        ]
        indexes = [
            models.Index(fields=["contact", "-at", "-id"], name="changes_of_a_contact"),
            models.Index(fields=["recorded_in", "id"], name="changes_as_they_were_recorded"),
            models.Index(fields=["at", "id"], name="changes_by_time"),
            models.Index(
                fields=["import_id", "id"],
                condition=models.Q(import_id__isnull=False),
                name="changes_by_an_import",
            ),
        ]

    def __str__(self) -> str:
        return f"{', '.join(self.after)} of {self.contact}"


class Touched(models.Model):
    """Activities of a contact were deleted, or given to or taken from them, other than by a merge.

    Readers follow it: what they made of the contact's activities has to be made anew.
    """

    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        related_name="+",
    )
    at = models.DateTimeField("time", editable=False, db_default=Now())
    # Whether the activities were deleted for their age: the contact is no newer than before.
    aged = models.BooleanField(default=False, db_default=False, editable=False)
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "touched contact"
        indexes = [models.Index(fields=["recorded_in", "id"], name="touched_as_readers_read")]

    def __str__(self) -> str:
        return str(self.contact)
