"""What users of the admin may see of readers, and do with them."""

from adminsite.permissions import AnyUser


def may_see_readers(user: AnyUser) -> bool:
    """Whether this user may see how far readers are."""
    return user.has_perm("readers.view_readerstate")


def may_try_again(user: AnyUser) -> bool:
    """Whether this user may let a reader that failed read at once."""
    return user.has_perm("readers.change_readerstate")
