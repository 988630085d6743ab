"""What the doors remember between two requests, and how they understand other systems."""

from django.db import models
from django.utils import timezone
from django.utils.text import capfirst

from activities.contact_fields import WIRE_NAMES
from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.models import Contact


class ContactCreation(models.Model):
    """A contact that was created under an Idempotency-Key: the same key again returns it again."""

    api_key = models.ForeignKey("channels.ApiKey", models.CASCADE, related_name="+")
    idempotency_key = models.CharField(max_length=255)
    contact = ContactKey(
        on_merge=OnMerge.KEEP, on_erase=OnErase.DELETE, export=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"], name="one_contact_per_idempotency_key"
            )
        ]

    def __str__(self) -> str:
        return self.idempotency_key


def contact_field_choices() -> list[tuple[str, str]]:
    """Contact fields by the name that doors know them by, as people call them."""
    return [
        (wire_name, str(capfirst(Contact._meta.get_field(name).verbose_name)))  # type: ignore[union-attr]
        for wire_name, name in WIRE_NAMES.items()
    ]


class UserProperty(models.Model):
    """A property of users in Commanders Act-format events that belongs into a contact field."""

    name = models.CharField(
        "user property",
        max_length=100,
        unique=True,
        help_text="As events have it below “user”, such as firstname.",
    )
    contact_field = models.CharField(
        max_length=50,
        choices=contact_field_choices,
        help_text="Where its value goes. What has no line here stays with the activity.",
    )

    class Meta:
        verbose_name = "user property"
        verbose_name_plural = "user properties"

    def __str__(self) -> str:
        return self.name


class ConsentCategory(models.Model):
    """A consent category of a source's events, and the consent that it stands for in the hub."""

    channel = models.ForeignKey(
        "channels.Channel",
        models.CASCADE,
        related_name="consent_categories",
        help_text="The channel whose events have this category.",
    )
    category = models.CharField(
        max_length=100, help_text="As events have it in “user.consent_categories”, such as 1."
    )
    consent = models.ForeignKey(
        "consents.Consent",
        models.PROTECT,
        related_name="+",
        help_text=(
            "What a person agrees to who agrees to this category. An event without the category "
            "revokes it."
        ),
    )

    class Meta:
        verbose_name = "consent category"
        verbose_name_plural = "consent categories"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "category", "consent"],
                name="one_line_per_category_and_consent",
                violation_error_message="This category stands for this consent already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.category} of {self.channel}"
