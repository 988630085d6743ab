"""What brought contacts into groups and out of them, with links to it."""

from collections.abc import Callable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from activities.admin.permissions import may_see_activities
from activities.models import Activity
from adminsite.formatting import change_url, link
from adminsite.permissions import AnyUser, May
from consents.admin.permissions import may_see_agreements
from consents.models import ConsentAgreement
from contacts.admin.permissions import may_see_contacts, may_see_merges
from contacts.models import Contact, ContactMerge
from groups.admin.permissions import may_see_groups
from groups.models import ContactGroup, MembershipEvent

_Cause = MembershipEvent.Cause


def _page_of(model) -> Callable[[MembershipEvent], str]:
    return lambda event: change_url(model(pk=event.cause_id))


def _history(event: MembershipEvent) -> str:
    return f"{change_url(Contact(pk=event.contact_id))}#history"


# Who may see what it was, and where that is.
_pages: dict[str, tuple[May, Callable[[MembershipEvent], str]]] = {
    _Cause.ACTIVITY: (may_see_activities, _page_of(Activity)),
    _Cause.CHANGE: (may_see_contacts, _history),
    _Cause.AGREEMENT: (may_see_agreements, _page_of(ConsentAgreement)),
    _Cause.MERGE: (may_see_merges, _page_of(ContactMerge)),
    _Cause.UNDO: (may_see_merges, _page_of(ContactMerge)),
    _Cause.GROUP: (may_see_groups, _page_of(ContactGroup)),
}


def register_cause(
    cause: MembershipEvent.Cause, may_see: May, url_of: Callable[[MembershipEvent], str]
) -> None:
    """Link entries and exits of this cause to the page of what it was."""
    _pages[cause] = (may_see, url_of)


def cause_of(event: MembershipEvent, user: AnyUser) -> SafeString | str:
    """What an entry or exit came of, in words, and a link to it if `user` may see it."""
    text = event.get_cause_display()
    if event.by is not None:
        return format_html("{}: {}", text, event.by)
    may_see, url_of = _pages.get(event.cause, (None, None))
    if event.cause_id is None or may_see is None or url_of is None or not may_see(user):
        return text
    return link(url_of(event), text)
