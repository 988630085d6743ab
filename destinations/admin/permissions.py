"""What users of the admin may see of destinations and deliveries, and do with them."""

from adminsite.permissions import AnyUser


def may_see_destinations(user: AnyUser) -> bool:
    """Whether this user may see destinations, and how their deliveries are doing."""
    return user.has_perm("destinations.view_destination")


def may_add_destinations(user: AnyUser) -> bool:
    return user.has_perm("destinations.add_destination")


def may_change_destinations(user: AnyUser) -> bool:
    """Whether this user may say what goes where, send tests, pause, and replace secrets."""
    return user.has_perm("destinations.change_destination")


def may_write_destinations(user: AnyUser) -> bool:
    """Whether this user may use the form, which counts what rules match and shows examples."""
    return may_add_destinations(user) or may_change_destinations(user)


def may_see_deliveries(user: AnyUser) -> bool:
    """Whether this user may see what went out; payloads only with the right to see contacts."""
    return user.has_perm("destinations.view_delivery")


def may_send_again(user: AnyUser) -> bool:
    """Whether this user may have messages sent once more."""
    return user.has_perm("destinations.change_delivery")
