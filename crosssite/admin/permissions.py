"""What users of the admin may see of tracked sites, and do with them."""

from adminsite.permissions import AnyUser


def may_see_tracked_sites(user: AnyUser) -> bool:
    return user.has_perm("crosssite.view_trackedsite")


def may_add_tracked_sites(user: AnyUser) -> bool:
    return user.has_perm("crosssite.add_trackedsite")
