"""What users of the admin may see of how the formats of other systems are understood."""

from adminsite.permissions import AnyUser


def may_see_user_properties(user: AnyUser) -> bool:
    """Whether this user may see which contact fields user properties become."""
    return user.has_perm("tracking.view_userproperty")


def may_see_consent_categories(user: AnyUser) -> bool:
    """Whether this user may see which consents categories stand for."""
    return user.has_perm("tracking.view_consentcategory")
