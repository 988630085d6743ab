"""Where emails go while the hub has no mail server: into a table, which the admin shows."""

from collections.abc import Sequence
from datetime import timedelta

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from automations.models import OutboxMessage

KEPT_FOR = timedelta(days=7)
MOST_KEPT = 1_000
# So many come before the oldest are forgotten, whatever the time.
_AT_ONCE = 100


class EmailBackend(BaseEmailBackend):
    """Keeps each message as a mail server would have got it, and sends none."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep these messages; return how many those are."""
        made = OutboxMessage.objects.bulk_create(
            OutboxMessage(
                contact_id=getattr(message, "contact_id", None),
                recipients=", ".join(message.recipients()),
                sender=message.from_email,
                subject=str(message.subject),
                raw=message.message().as_bytes(linesep="\r\n"),
            )
            for message in email_messages
            if message.recipients()
        )
        if made and made[-1].pk % _AT_ONCE < len(made):
            forget_old_messages()
        return len(made)


def forget_old_messages() -> None:
    """Delete messages that are older than a week, and all but the last thousand."""
    OutboxMessage.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()
    newest = OutboxMessage.objects.order_by("-at", "-id")
    oldest_kept = newest.values_list("at", "pk")[MOST_KEPT - 1 : MOST_KEPT].first()
    if oldest_kept is not None:
        at, _ = oldest_kept
        OutboxMessage.objects.filter(at__lt=at).delete()
