"""What users of the admin may see of the sessions of others, and do with them."""

from adminsite.permissions import AnyUser


def may_see_all_sessions(user: AnyUser) -> bool:
    """Whether this user may see where others are logged in."""
    return user.has_perm("usersessions.view_usersession")


def may_end_all_sessions(user: AnyUser) -> bool:
    """Whether this user may log others out."""
    return user.has_perm("usersessions.delete_usersession")
