"""What the doors remember between two requests."""

from django.db import models
from django.utils import timezone

from contacts.fields import ContactKey, OnErase, OnMerge


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
