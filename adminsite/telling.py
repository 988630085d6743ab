"""Emails of the hub to those of its users who can do something about what they tell of."""

import logging
from collections.abc import Callable
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

from django.contrib.auth.models import User
from django.core.mail import EmailMessage

_log = logging.getLogger(__name__)

# What the mail server says of one email.
REFUSED = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)


def tell_users(
    permission: str, subject: str, text: str, *, note_told: Callable[[], object]
) -> None:
    """Send an email to each user of the admin with this permission who has an address.

    `note_told` is called as soon as one of them is taken, so that no user is told twice; or if
    there is nobody to tell, now or ever. A user whose address is refused keeps nobody else from
    being told.

    :raises SMTPException: if every user's address was refused for now
    :raises OSError: if the mail server is away
    """
    refused: SMTPException | None = None
    is_told = False
    for message in _messages(permission, subject, text):
        try:
            message.send()
        except REFUSED as error:
            _log.warning("The mail server refused an email to a user of the admin.")
            refused = refused if _is_for_good(error) else error
            continue
        if not is_told:
            is_told = True
            note_told()
    if is_told:
        return
    if refused is not None:
        raise refused
    note_told()


def _is_for_good(error: SMTPException) -> bool:
    """Whether the mail server would refuse the email each time: it answered 500 or more."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, SMTPDataError) and error.smtp_code >= 500


def _messages(permission: str, subject: str, text: str) -> list[EmailMessage]:
    """An email for each user, so that none of them learns the addresses of the others."""
    users = User.objects.with_perm(permission, backend="django.contrib.auth.backends.ModelBackend")
    emails = users.filter(is_staff=True).exclude(email="").values_list("email", flat=True)
    line = " ".join(subject.split())
    return [EmailMessage(line, text, to=[email]) for email in sorted(set(emails))]
