"""Sending an email that was not sent by itself, because a user of the admin wants it."""

from django.db import transaction
from django.db.models.functions import Now

from automations.emails.preparing import Held, prepare_again
from automations.emails.waking import ring_for_emails
from automations.models import Email

Status = Email.Status


class CannotSend(ValueError):
    """An email that cannot be sent now; the text is a sentence that says why."""


@transaction.atomic
def send_again(email: Email) -> None:
    """Have an email sent that was held back, refused, put off, or is uncertain.

    One that was held back is rendered anew, from its template as it is now. Whether the contact may
    get it is asked again. An uncertain one may arrive twice.

    :raises CannotSend: if it was sent already, is on its way, or cannot be rendered
    """
    email = Email.objects.select_for_update(no_key=True).get(pk=email.pk)
    if email.status in (Status.SENT, Status.HANDING_OVER):
        raise CannotSend("The email was sent meanwhile, or is on its way.")
    if email.status == Status.HELD:
        try:
            prepare_again(email)
        except Held as held:
            raise CannotSend(f"The email is still held back: {held}") from held
    email.status, email.reason, email.last_error, email.attempts = Status.PREPARED, "", "", 0
    email.due_at, email.put_off_since = Now(), None
    email.save()
    ring_for_emails(email.is_transactional)
