"""Creating contacts for applications, once for each idempotency key."""

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from channels.models import ApiKey
from contacts.changes import create_anonymous
from contacts.models import Contact
from tracking.models import ContactCreation

KEPT_FOR = timedelta(days=1)


def create_contact(api_key: ApiKey, idempotency_key: str = "") -> Contact:
    """A new, anonymous contact; the earlier one if this key was used in the last day."""
    if not idempotency_key:
        return create_anonymous()
    creations = ContactCreation.objects.filter(api_key=api_key, idempotency_key=idempotency_key)
    with transaction.atomic():
        creations.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
        contact = create_anonymous()
        if _claim(api_key, idempotency_key, contact):
            return contact
        # A repeat: nobody has seen this contact, and it goes.
        transaction.set_rollback(True)
    return creations.select_related("contact").get().contact


def forget_old_creations() -> None:
    """Delete the idempotency keys that count no more."""
    ContactCreation.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()


def _claim(api_key: ApiKey, idempotency_key: str, contact: Contact) -> bool:
    """Bind the key to `contact` unless it is taken; wait for a concurrent request with it."""
    with connection.cursor() as cursor:
        # An error would do as well, but PostgreSQL would log it together with the key.
        cursor.execute(
            "INSERT INTO tracking_contactcreation"
            " (api_key_id, idempotency_key, contact_id, created_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (api_key_id, idempotency_key) DO NOTHING",
            [api_key.pk, idempotency_key, contact.pk, timezone.now()],
        )
        return cursor.rowcount == 1
