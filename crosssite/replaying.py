"""What the inspector has kept of the activities of websites, as drafts again."""

from msgspec import structs

from activities.models import SystemType
from activities.reading_again import Again, CannotReplay, guid_of, payload_of
from activities.rejections import RejectedActivity
from consents.permission import Asks
from crosssite.commands import read_activity
from web.bodies import UNDECODABLE, decode_json


def read_again(line: RejectedActivity, *, is_dry: bool) -> list[Again]:
    """The activity of a line: only of a visitor who agrees.

    :raises CannotReplay: if it cannot be read again
    """
    context = line.context or {}
    try:
        item = decode_json(payload_of(line), dict)
    except UNDECODABLE:
        raise CannotReplay("What was kept is no activity.") from None
    draft = read_activity(item, takes_title=bool(context.get("title")))
    if context.get("landing"):
        draft = structs.replace(draft, type=SystemType.LANDING_PAGE.value, client_id=None)
    return [Again(draft=draft, contact_guid=guid_of(line), asks=Asks.AGREEMENT)]
