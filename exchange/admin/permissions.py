"""Who may import, and see what was imported."""

from adminsite.permissions import AnyUser


def may_see_imports(user: AnyUser) -> bool:
    """Whether this user may see imports: their files have what is known of contacts."""
    return user.has_perm("exchange.view_import") and user.has_perm("contacts.view_contact")


def may_import(user: AnyUser) -> bool:
    """Whether this user may import contacts and activities, and undo it."""
    return may_see_imports(user) and user.has_perms(
        ["exchange.add_import", "exchange.change_import", "contacts.change_contact"]
    )
