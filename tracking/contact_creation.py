"""Creating contacts for applications, once for each idempotency key."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from channels.models import ApiKey
from contacts.models import Contact
from tracking.models import ContactCreation

KEPT_FOR = timedelta(days=1)


def create_contact(api_key: ApiKey, idempotency_key: str = "") -> Contact:
    """A new, anonymous contact; the earlier one if this key was used in the last day."""
    if not idempotency_key:
        return Contact.objects.create()
    creations = ContactCreation.objects.filter(api_key=api_key, idempotency_key=idempotency_key)
    try:
        with transaction.atomic():
            creations.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
            contact = Contact.objects.create()
            ContactCreation.objects.create(
                api_key=api_key, idempotency_key=idempotency_key, contact=contact
            )
    except IntegrityError:  # one_contact_per_idempotency_key: this is a repeat
        return creations.select_related("contact").get().contact
    return contact


def forget_old_creations() -> None:
    """Delete the idempotency keys that count no more."""
    ContactCreation.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
