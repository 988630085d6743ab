"""Which account an event or a page visit is for, whether it may be logged, and who did it."""

from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare

from activities.drafts import is_storable
from activities.models import ActivityType
from activities.problems import InvalidActivity, Status
from channels.known import channel_of_account
from channels.models import Channel
from contacts.emails import unseen_character
from contacts.erased_names import Names, erased_among
from contacts.models import Contact
from contacts.resolving import guid_with_email
from database.loop import ask_soon
from tracking.activecampaign.translation import Form

DOOR = "activecampaign"
_LONGEST_NAME = ActivityType._meta.get_field("code_name").max_length or 0
_LONGEST_EMAIL = Contact._meta.get_field("email").max_length or 0


async def find_channel(form: Form) -> Channel:
    """The channel whose account ID the request has.

    :raises InvalidActivity: if there is none
    """
    account_id = form.require("actid")
    channel = await channel_of_account(account_id) if is_storable(account_id) else None
    if channel is None:
        raise InvalidActivity(
            "unknown_account",
            "actid",
            "There is no account with this ID. Compare actid with “Settings, Tracking” in the "
            "admin.",
        )
    return channel


def check_key(channel: Channel, form: Form) -> None:
    """Make sure that the request has the event key of `channel`.

    :raises InvalidActivity: if it has not
    """
    # Keys may have a plus, which stands for a space in a form if it is not escaped.
    key = form.require("key").replace(" ", "+")
    if not constant_time_compare(channel.event_key, key):
        raise InvalidActivity(
            "wrong_key",
            "key",
            "This is not the event key of the account. Compare key with “Settings, Tracking” in "
            "the admin.",
        )


def read_name(form: Form) -> str:
    """The name of the event.

    :raises InvalidActivity: if it is missing or too long
    """
    name = form.require("event")
    check_name(name)
    return name


def check_name(name: str) -> None:
    """Make sure that an event may have this name.

    :raises InvalidActivity: if it is too long
    """
    limit = settings.ACTIVECAMPAIGN_MAX_EVENT_NAME or _LONGEST_NAME
    if len(name) > limit:
        raise InvalidActivity(
            "event_name_too_long",
            "event",
            f"An event name may have at most {limit} characters.",
        )


def check_tracking(channel: Channel) -> None:
    """Make sure that `channel` takes events at present.

    :raises InvalidActivity: if it does not
    """
    if not channel.event_tracking_enabled:
        raise InvalidActivity(
            "event_tracking_off",
            "",
            "Event tracking is turned off for this account. Turn it on in “Settings, Tracking” in "
            "the admin.",
        )


async def find_contact(email: str, field: str) -> UUID:
    """The GUID of the contact with this email, which came in `field`.

    :raises InvalidActivity: if there is none, or if it has a character that nobody sees
    """
    if not email:
        raise InvalidActivity(
            "missing_email", field, "Nobody is named: the email of the contact is missing."
        )
    guid = None
    if len(email) <= _LONGEST_EMAIL and is_storable(email):
        if unseen := unseen_character(email):
            detail = f"The email has a character that nobody sees: {unseen}. Remove it."
            raise InvalidActivity("bad_email", field, detail)
        (guid,) = await ask_soon(guid_with_email(email))
    if guid is None:
        (erased,) = await ask_soon(erased_among(Names(emails=[email])))
        if erased:
            raise InvalidActivity(
                "erased",
                field,
                "This is the email of a person who was erased.",
                Status.FILTERED,
                is_untracked=True,
            )
        raise InvalidActivity(
            "unknown_contact",
            field,
            "No contact has this email, and events do not create contacts. Create it first.",
        )
    return guid
