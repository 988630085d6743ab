"""The message that a mail server gets for an email."""

from django.core.mail import EmailMultiAlternatives

from automations.models import Email

# Providers tell by this in their webhooks which email something happened to.
METADATA = "throughline"


class BadHeader(ValueError):
    """An email that no message can be made of; the text says why."""


class HubMessage(EmailMultiAlternatives):
    """The message of one email to a contact.

    :ivar contact_id: of the contact; the outbox shows the message until the contact is erased
    :ivar metadata: what django-anymail hands to the provider
    """

    contact_id: int
    metadata: dict[str, str]


def build_message(email: Email, *, to: str, unsubscribe: str) -> HubMessage:
    """The message of `email` to this address.

    :param unsubscribe: where one POST takes the contact's agreement back (RFC 8058); "" for an
        email that needs none
    :raises BadHeader: if a header has a line break
    """
    for value in (email.subject, email.sender, email.reply_to, to):
        if "\n" in value or "\r" in value:
            raise BadHeader("A header of the email would have a line break.")
    headers = {"Message-ID": f"<{email.message_id}>"}
    if unsubscribe:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if email.is_transactional:
        headers["Auto-Submitted"] = "auto-generated"
    message = HubMessage(
        subject=email.subject,
        body=email.text,
        from_email=email.sender,
        to=[to],
        reply_to=[email.reply_to] if email.reply_to else None,
        headers=headers,
    )
    if email.html:
        message.attach_alternative(email.html, "text/html")
    message.contact_id = email.contact_id
    message.metadata = {METADATA: email.message_id}
    return message
