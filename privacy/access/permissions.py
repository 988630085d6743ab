"""Who may have files made with what the hub knows of a person, and see them and proofs."""

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts


def may_make_access_files(user: AnyUser) -> bool:
    """Whether this user may have a file made."""
    return user.has_perm("privacy.add_accessfile") and may_see_access_files(user)


def may_see_access_files(user: AnyUser) -> bool:
    """Whether this user may see files, download them, and give a person a link."""
    return user.has_perm("privacy.view_accessfile") and may_see_contacts(user)


def may_see_proofs(user: AnyUser) -> bool:
    """Whether this user may see the proof of consent of a person, erased or not."""
    return user.has_perm("privacy.view_keptagreement") and may_see_contacts(user)
