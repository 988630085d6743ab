"""What users of the admin may see of consents."""

from adminsite.permissions import AnyUser


def may_see_consents(user: AnyUser) -> bool:
    return user.has_perm("consents.view_consent")


def may_see_agreements(user: AnyUser) -> bool:
    return user.has_perm("consents.view_consentagreement")
