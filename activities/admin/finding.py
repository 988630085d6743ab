"""The activities of a contact in the search of the admin, by GUID: that names nobody."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest

from activities.admin.permissions import may_see_activities
from activities.models import Activity
from adminsite.formatting import changelist_url
from adminsite.palette import Findable, Found, register_findable
from contacts.admin.searching import contact_named


def find_activities(request: HttpRequest, term: str) -> Sequence[Found]:
    """The list of what the contact with the GUID `term` did."""
    contact = contact_named(term, by_email=False)
    if contact is None:
        return []
    url = changelist_url(Activity, urlencode({"q": term}))
    return [Found("What this contact did", url, str(contact.guid))]


register_findable(
    Findable(
        title="Activities",
        icon="timeline",
        position=15,
        may_see=may_see_activities,
        find=find_activities,
    )
)
