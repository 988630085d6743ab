"""What users of the admin may see of figures."""

from activities.admin.permissions import may_see_activities
from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts


def may_see_pages(user: AnyUser) -> bool:
    """Whether this user may see which pages contacts look at: addresses may tell who they are."""
    return may_see_activities(user) and may_see_contacts(user)
