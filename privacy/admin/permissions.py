"""What users of the admin may see of the data of persons and its proofs, and do about it."""

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts


def may_see_certificates(user: AnyUser) -> bool:
    """Whether this user may see what was erased, when, by whom and why, and verify it."""
    return user.has_perm("privacy.view_certificate")


def may_see_requests(user: AnyUser) -> bool:
    """Whether this user may see who has asked for what: requests name contacts."""
    return user.has_perm("privacy.view_personrequest") and may_see_contacts(user)


def may_add_requests(user: AnyUser) -> bool:
    """Whether this user may register what a person asks for."""
    return user.has_perm("privacy.add_personrequest") and may_see_contacts(user)


def may_answer_requests(user: AnyUser) -> bool:
    """Whether this user may do what persons ask for, erasures included."""
    return user.has_perm("privacy.change_personrequest") and may_see_contacts(user)


def may_see_retention(user: AnyUser) -> bool:
    return user.has_perm("privacy.view_retentionrule")


def may_change_retention(user: AnyUser) -> bool:
    return user.has_perm("privacy.change_retentionrule")


def may_add_retention(user: AnyUser) -> bool:
    return user.has_perm("privacy.add_retentionrule")


def may_see_record(user: AnyUser) -> bool:
    return user.has_perm("privacy.view_privacyprofile")


def may_change_profile(user: AnyUser) -> bool:
    return user.has_perm("privacy.change_privacyprofile")


def may_see_dictionary(user: AnyUser) -> bool:
    return user.has_perm("privacy.view_dictionaryentry")
