"""What users of the admin may see of automations and emails, and do with them."""

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts


def may_see_automations(user: AnyUser) -> bool:
    """Whether this user may see automations, and how many contacts are where in them."""
    return user.has_perm("automations.view_automation")


def may_add_automations(user: AnyUser) -> bool:
    return user.has_perm("automations.add_automation")


def may_change_automations(user: AnyUser) -> bool:
    """Whether this user may draw automations, switch them on, and start them for contacts."""
    return user.has_perm("automations.change_automation")


def may_draw_automations(user: AnyUser) -> bool:
    """Whether this user may use the editor, which counts what rules match."""
    return may_add_automations(user) or may_change_automations(user)


def may_see_runs(user: AnyUser) -> bool:
    """Whether this user may see the ways of single contacts through automations."""
    return user.has_perm("automations.view_run")


def may_see_broadcasts(user: AnyUser) -> bool:
    return user.has_perm("automations.view_broadcast")


def may_add_broadcasts(user: AnyUser) -> bool:
    """Whether this user may start an automation for many contacts at once."""
    return user.has_perm("automations.add_broadcast")


def may_change_broadcasts(user: AnyUser) -> bool:
    """Whether this user may stop broadcasts, and approve of those of others."""
    return user.has_perm("automations.change_broadcast")


def may_see_templates(user: AnyUser) -> bool:
    return user.has_perm("automations.view_template")


def may_add_templates(user: AnyUser) -> bool:
    return user.has_perm("automations.add_template")


def may_change_templates(user: AnyUser) -> bool:
    return user.has_perm("automations.change_template")


def may_see_emails(user: AnyUser) -> bool:
    """Whether this user may see which emails were sent, and what became of them."""
    return user.has_perm("automations.view_email")


def may_send_emails(user: AnyUser) -> bool:
    """Whether this user may have emails sent that were not sent by themselves."""
    return user.has_perm("automations.change_email")


def may_see_suppressions(user: AnyUser) -> bool:
    return user.has_perm("automations.view_suppression")


def may_change_suppressions(user: AnyUser) -> bool:
    return user.has_perm("automations.change_suppression")


def may_see_outbox(user: AnyUser) -> bool:
    """Whether this user may read what the hub would have sent."""
    return user.has_perm("automations.view_outboxmessage") and may_see_contacts(user)
