"""Purposes that people agree to, the exact texts they read, and the ledger of their answers."""

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from database.transaction_ids import CurrentTransactionId, TransactionIdField

LONGEST_WAY = 250


class Consent(models.Model):
    """A purpose for which contacts are asked for their agreement."""

    name = models.CharField(max_length=200, help_text="How this consent is called in the admin.")
    code_name = models.SlugField(
        max_length=200, help_text="Applications ask for the consent by this name."
    )
    default_language = models.CharField(
        max_length=20,
        default="en",
        help_text="Whose text is shown to people whose language has no text of its own.",
    )
    older_versions_count = models.BooleanField(
        "agreements to earlier texts count",
        default=True,
        db_default=True,
        help_text="Switch off if contacts have to agree again whenever a text changes: who has "
        "agreed to an earlier text then counts as somebody who was not asked.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                name="one_consent_per_code_name",
                violation_error_message="Another consent has this code name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ConsentText(models.Model):
    """One version of a consent's text in one language. A changed text is a new version."""

    consent = models.ForeignKey(Consent, models.CASCADE, related_name="texts")
    language = models.CharField(
        max_length=20, help_text="A language code, such as en, de or pt-BR."
    )
    short_text = models.TextField(help_text="What a banner says. HTML, cleaned when it is saved.")
    full_text = models.TextField(
        blank=True, help_text="The whole text, behind “read more”. HTML, cleaned when it is saved."
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    superseded_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "text"
        constraints = [
            models.UniqueConstraint(
                "consent",
                Lower("language"),
                condition=models.Q(superseded_at__isnull=True),
                name="one_current_text_per_language",
                violation_error_message="This consent has a text in this language already.",
            ),
            models.UniqueConstraint(
                "consent", Lower("language"), "version", name="one_text_per_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consent} ({self.language}, version {self.version})"


class ConsentAgreement(models.Model):
    """One answer of a contact to one text. Answers are added, never edited; the latest counts."""

    contact = ContactKey(
        on_merge=OnMerge.MOVE,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="agreements",
        db_index=False,
    )
    consent = models.ForeignKey(Consent, models.PROTECT, related_name="agreements", db_index=False)
    agreed = models.BooleanField(help_text="Yes: agreed. No: revoked.")
    at = models.DateTimeField(default=timezone.now)
    text = models.ForeignKey(
        ConsentText,
        models.PROTECT,
        null=True,
        related_name="agreements",
        verbose_name="text that was shown",
    )
    channel = models.ForeignKey("channels.Channel", models.PROTECT, null=True, related_name="+")
    tracked_site = models.ForeignKey(
        "crosssite.TrackedSite", models.PROTECT, null=True, related_name="+"
    )
    request_id = models.UUIDField("request id", null=True)
    # By which key, form or link, in words as it was called then. Answers from before there was this
    # column say nothing.
    came_by = models.CharField(
        "how it came", max_length=LONGEST_WAY, blank=True, default="", db_default="", editable=False
    )
    # Imports are of a room above.
    import_id = models.BigIntegerField(
        null=True, editable=False, help_text="The import whose file says it, or that was undone."
    )
    place = models.TextField(
        blank=True, default="", db_default="", help_text="Where it was given, as the file says."
    )
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "agreement"
        indexes = [
            models.Index(fields=["contact", "consent", "-id"], name="agreements_of_a_contact"),
            models.Index(fields=["contact", "-at", "-id"], name="latest_agreements_of_a_contact"),
            models.Index(fields=["-at", "-id"], name="agreement_newest_first"),
            models.Index(fields=["consent", "-at", "-id"], name="agreements_to_a_consent"),
            models.Index(fields=["recorded_in", "id"], name="agreements_as_readers_read"),
            models.Index(
                fields=["import_id", "id"],
                condition=models.Q(import_id__isnull=False),
                name="agreements_by_an_import",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact} {'agreed to' if self.agreed else 'revoked'} {self.consent}"


# As `SAYS` of permission.py has it, of an answer that is a yes.
_COUNTS = models.Q(consent__older_versions_count=True) | models.Q(text__superseded_at__isnull=True)


class CurrentAnswerQuerySet(models.QuerySet):
    def agreeing_to(self, consent: Consent | models.OuterRef) -> "CurrentAnswerQuerySet":
        """Those of contacts who agree to `consent` now; join or filter contacts by `contact`."""
        agreeing = self.filter(consent=consent, agreed=True)
        # So that the index alone is read, in the usual case.
        every_text_counts = isinstance(consent, Consent) and consent.older_versions_count
        return agreeing if every_text_counts else agreeing.filter(_COUNTS)

    def with_whether_they_count(self) -> "CurrentAnswerQuerySet":
        """The same with `counts`: false of a yes to an earlier text that counts no more."""
        return self.annotate(
            counts=models.ExpressionWrapper(
                _COUNTS | models.Q(agreed=False), output_field=models.BooleanField()
            )
        )


class CurrentAnswer(models.Model):
    """The answer of a contact to a consent that counts now: the latest that the ledger has.

    Triggers on the ledger keep it, in the transaction of what changes the ledger. Nothing else
    writes it.
    """

    agreement = models.OneToOneField(
        ConsentAgreement, models.DO_NOTHING, primary_key=True, related_name="+"
    )
    # The rest are copies of that agreement, whose own keys the database checks. To check these as
    # well would take most of the time of writing a row. They move when the agreement does.
    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        related_name="current_answers",
        db_index=False,
        db_constraint=False,
    )
    consent = models.ForeignKey(
        Consent, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    agreed = models.BooleanField()
    at = models.DateTimeField()
    text = models.ForeignKey(
        ConsentText,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    objects = CurrentAnswerQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "consent"], name="one_current_answer_to_each_consent"
            )
        ]
        indexes = [
            models.Index(
                fields=["consent", "contact"],
                condition=models.Q(agreed=True),
                include=["text"],
                name="contacts_who_agree",
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact} {'agrees' if self.agreed else 'does not agree'} to {self.consent}"
