"""Event names that are offered by name: in the admin, and to programs that ask for the list."""

from activities.event_names import code_name_for, make_type, why_no_event_name
from activities.models import ActivityType


def whitelist(event_name: str, *, door: str) -> ActivityType:
    """Offer this event name from now on, and return its type, made now if there was none.

    `door` is the name of the door whose format the event name is of.

    :raises InvalidActivity: if no event can have this name
    """
    if problem := why_no_event_name(event_name):
        raise problem
    activity_type = make_type(code_name_for(event_name), door=door, whitelisted=True)
    if not activity_type.whitelisted:
        activity_type.whitelisted = True
        activity_type.save(update_fields=["whitelisted"])
    return activity_type


def unwhitelist(event_name: str) -> bool:
    """Offer this event name no more, and return whether it was offered; what was logged stays."""
    if why_no_event_name(event_name):
        return False
    named = ActivityType.objects.with_code_name(code_name_for(event_name))
    return bool(named.filter(whitelisted=True).update(whitelisted=False))
