"""What users of the admin may see of the work that waits, and do about it."""

from adminsite.permissions import AnyUser


def may_see_work(user: AnyUser) -> bool:
    """Whether this user may see what waits for workers."""
    return user.has_perm("jobs.view_chore")


def may_try_again(user: AnyUser) -> bool:
    """Whether this user may have done at once what failed."""
    return user.has_perm("jobs.change_chore")
