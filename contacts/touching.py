"""Telling readers that the activities of a contact were moved or deleted."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from contacts.logs import TOUCHED
from contacts.models import Touched
from readers.reading import unread_by_any

# So long a developer can look up why a reader has looked at a contact again.
KEPT_FOR = timedelta(days=7)


def touch(*contact_ids: int, aged: bool = False) -> None:
    """Have readers look again at the activities of these contacts, which the caller has locked.

    :param aged: whether activities were deleted for their age, and nothing else became of them
    """
    Touched.objects.bulk_create(
        Touched(contact_id=contact_id, aged=aged) for contact_id in contact_ids
    )


def forget_what_was_read() -> None:
    """Delete what is older than KEPT_FOR and what every declared reader has read."""
    unread, params = unread_by_any(TOUCHED)
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM contacts_touched WHERE at < %s AND NOT ({unread})",  # noqa: S608
            [timezone.now() - KEPT_FOR, *params],
        )
