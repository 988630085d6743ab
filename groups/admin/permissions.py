"""What users of the admin may see of contact groups, and do with them."""

from adminsite.permissions import AnyUser


def may_see_groups(user: AnyUser) -> bool:
    """Whether this user may see the groups, their rules and how many members they have."""
    return user.has_perm("groups.view_contactgroup")


def may_add_groups(user: AnyUser) -> bool:
    return user.has_perm("groups.add_contactgroup")


def may_change_groups(user: AnyUser) -> bool:
    """Whether this user may change rules and members."""
    return user.has_perm("groups.change_contactgroup")


def may_build_rules(user: AnyUser) -> bool:
    """Whether this user may write rules, and so see what they match."""
    return may_add_groups(user) or may_change_groups(user)
