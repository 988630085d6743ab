"""People, and how two records of one person became one."""

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import MD5, Lower
from django.utils import timezone

from contacts.emails import LONGEST_EMAIL
from contacts.fields import ContactKey, EmailField, EmailKeyField, OnErase, OnMerge, email_key


class Sha256(models.Func):
    """The SHA-256 of a text in hexadecimal digits; immutable, so that it can be indexed."""

    # PostgreSQL takes the hash of bytes only, and a backslash begins an escape among them.
    template = r"encode(sha256(decode(replace(%(expressions)s, '\', '\\'), 'escape')), 'hex')"
    output_field = models.TextField()


class Composed(models.Func):
    """A text in the Unicode form NFC; immutable, so that it can be indexed."""

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

    A contact that was merged into another stays: its GUID resolves to the survivor for ever.
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
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True)
                | ~models.Q(merged_into=models.F("pk")),
                name="no_contact_is_merged_into_itself",
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
            # Prefix search of the admin: LIKE 'ann%' needs the pattern operator class.
            models.Index(
                OpClass(Lower(Composed("email")), name="text_pattern_ops"),
                name="contact_email_prefix",
                condition=~models.Q(email=""),
            ),
            models.Index(
                OpClass(Lower(Composed("last_name")), name="text_pattern_ops"),
                name="contact_last_name_prefix",
                condition=~models.Q(last_name=""),
            ),
            models.Index(
                OpClass(Lower(Composed("first_name")), name="text_pattern_ops"),
                name="contact_first_name_prefix",
                condition=~models.Q(first_name=""),
            ),
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
        """What to call this contact on a page: name, else email, else that it is anonymous."""
        anonymous = f"Anonymous, since {timezone.localtime(self.created_at):%d %b %Y %H:%M}"
        return self.full_name or self.email or anonymous


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

    class Meta:
        verbose_name = "identifier"
        constraints = [
            models.UniqueConstraint(
                fields=["site_id", "kind", "value"], name="one_contact_per_identifier"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"


class ContactMergeQuerySet(models.QuerySet):
    def open(self):
        """Merges that a worker or a person has yet to deal with."""
        return self.filter(status__in=[ContactMerge.Status.PENDING, ContactMerge.Status.REVIEW])


class ContactMerge(models.Model):
    """A request to merge two contacts, and what became of it."""

    class Reason(models.TextChoices):
        SAME_EMAIL = "same_email", "Gave the email of the other contact"
        MARKETER = "marketer", "Asked for in the admin"
        JOURNEY = "journey", "Went from one website to another"
        IDENTIFIER = "identifier", "Is the same user of a website or an app"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for a worker"
        DONE = "done", "Done"
        REVIEW = "review", "Needs a decision"
        DISMISSED = "dismissed", "Kept apart"

    survivor = ContactKey(
        on_merge=OnMerge.KEEP, on_erase=OnErase.DELETE, export=False, related_name="merges_survived"
    )
    loser = ContactKey(
        on_merge=OnMerge.KEEP, on_erase=OnErase.DELETE, export=False, related_name="merges_lost"
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    requested_at = models.DateTimeField("requested", default=timezone.now)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    survivor_before = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    loser_before = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    moved = models.JSONField(
        default=dict, blank=True, help_text="How many rows went to the survivor, by table."
    )
    detail = models.TextField(blank=True)
    # Transactions that were running when the merge ended may still add rows to the loser. All of
    # them have ids below this one; when they are over, and their rows moved, the merge is settled.
    settles_at_transaction = models.BigIntegerField(null=True, editable=False)
    is_settled = models.BooleanField(default=False, editable=False)

    objects = ContactMergeQuerySet.as_manager()

    class Meta:
        verbose_name = "merge"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(survivor=models.F("loser")), name="a_merge_is_between_two"
            ),
            models.UniqueConstraint(
                fields=["survivor", "loser"],
                condition=models.Q(status__in=["pending", "review"]),
                name="one_open_merge_per_pair",
            ),
        ]
        indexes = [
            models.Index(
                fields=["requested_at"],
                condition=models.Q(status="pending"),
                name="pending_merges",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(status="done", is_settled=False),
                name="unsettled_merges",
            ),
            models.Index(fields=["-requested_at", "-id"], name="merge_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.loser} into {self.survivor}"
