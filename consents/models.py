"""Purposes that people agree to, the exact texts they read, and the ledger of their answers."""

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from contacts.fields import ContactKey, OnErase, OnMerge


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
    """One answer of a contact to one text. Answers are added, never edited; the last one counts."""

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

    class Meta:
        verbose_name = "agreement"
        indexes = [
            models.Index(fields=["contact", "consent", "-id"], name="agreements_of_a_contact"),
            models.Index(fields=["-at", "-id"], name="agreement_newest_first"),
            models.Index(fields=["consent", "-at", "-id"], name="agreements_to_a_consent"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} {'agreed to' if self.agreed else 'revoked'} {self.consent}"
