"""What users of the admin may see of channels, and do with them."""

from adminsite.permissions import AnyUser


def may_see_channels(user: AnyUser) -> bool:
    return user.has_perm("channels.view_channel")


def may_see_keys(user: AnyUser) -> bool:
    return user.has_perm("channels.view_apikey")


def may_add_keys(user: AnyUser) -> bool:
    return user.has_perm("channels.add_apikey")
