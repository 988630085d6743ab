"""What visitors answer to a consent: on pages with the tracker, or main sites made with Django."""

from uuid import UUID

from consents.agreements import record_agreement
from consents.models import Consent
from crosssite.visitors import Visitor


def record_answer(
    visitor: Visitor, consent: Consent, *, agreed: bool, language: str, request_id: UUID
) -> None:
    """Record that the visitor agrees to `consent`, or revokes it, for all of their contacts.

    A visitor who agrees is a contact by now; one who is none has nothing to revoke.
    """
    for contact in visitor.contacts[:1] if agreed else visitor.contacts:
        record_agreement(
            contact,
            consent,
            agreed=agreed,
            channel=visitor.channel,
            tracked_site_id=visitor.site.pk if visitor.site else None,
            language=language,
            request_id=request_id,
        )
    if consent == visitor.channel.tracking_consent:
        visitor.note_answer(agreed=agreed)
