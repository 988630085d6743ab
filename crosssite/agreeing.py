"""What visitors answer to a consent: on pages with the tracker, or main sites made with Django."""

from collections.abc import Iterable
from uuid import UUID

from activities.contact_fields import email_in
from activities.drafts import Draft
from consents.agreements import record_agreements
from consents.models import Consent
from contacts.erased_names import Names, lift
from crosssite.visitors import Visitor


def come_back(visitor: Visitor, emails: Iterable[str] = ()) -> None:
    """Let these emails of a visitor be theirs again, if the person had been erased before.

    Call it if the visitor has agreed to something. `emails` are what the visitor gives in a form.
    """
    own = [contact.email for contact in visitor.contacts if contact.email]
    guids = [str(contact.guid) for contact in visitor.contacts]
    lift(Names(guids, [*own, *emails]))


def come_back_with(visitor: Visitor, drafts: Iterable[Draft]) -> None:
    """The same for emails in forms that are recorded, if the visitor has agreed since."""
    emails = {email_in(draft.contact_fields) for draft in drafts} - {""}
    if emails and visitor.answer is not None and visitor.answer.agreed:
        lift(Names(emails=sorted(emails)), agreed_at=visitor.answer.at)


def record_answer(
    visitor: Visitor, consent: Consent, *, agreed: bool, language: str, request_id: UUID
) -> None:
    """Record that the visitor agrees to `consent`, or revokes it, for all of their contacts.

    A visitor who agrees is a contact by now; one who is none has nothing to revoke.
    """
    if contacts := visitor.contacts[:1] if agreed else visitor.contacts:
        record_agreements(
            contacts,
            {consent: agreed},
            channel=visitor.channel,
            tracked_site_id=visitor.site.pk if visitor.site else None,
            language=language,
            request_id=request_id,
            came_by="The visitor's browser, on the website",
        )
    if agreed:
        come_back(visitor)
    if consent == visitor.channel.tracking_consent:
        visitor.note_answer(agreed=agreed)
