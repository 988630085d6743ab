"""What pages of rules need to know of emails: the templates, and where an event is shown."""

from adminsite.formatting import change_url
from automations.admin.permissions import may_see_emails
from automations.models import Template
from contacts.models import Contact
from groups.admin.causes import register_cause
from groups.admin.offers import register_offer
from groups.admin.why import register_evidence
from groups.models import MembershipEvent


def emails_of(contact: Contact) -> str:
    """The address of the emails of a contact, on its page."""
    return f"{change_url(contact)}#emails"


register_offer("templates", Template.objects.all)
register_evidence("email_event", may_see_emails, lambda pk, contact: emails_of(contact))
register_cause(
    MembershipEvent.Cause.EMAIL,
    may_see_emails,
    lambda event: emails_of(Contact(pk=event.contact_id)),
)
