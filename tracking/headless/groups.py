"""The contact groups of a contact, as applications ask for them."""

from uuid import UUID

from contacts.resolving import UnknownContact, why_unknown
from database.loop import ask_soon
from groups.telling import groups_of_guid
from tracking.headless.authentication import GROUPS, find_key, readable_by_its_page
from tracking.switches import check_switches
from web.answers import Answer, Headers
from web.doors import with_single_slashes
from web.exchanges import Exchange

_GUID_SEGMENT = 2


class GroupsOfContact(Exchange):
    """Tells which groups a contact is in now. It records nothing."""

    async def carry_out(self) -> Answer:
        check_switches(reads=True)
        # It needs none, but one that came has to be complete.
        _ = self.request.body
        await find_key(self.request, access=GROUPS)
        # Paths come as they were sent.
        given = with_single_slashes(self.request.path).strip("/").split("/")[_GUID_SEGMENT]
        try:
            guid = UUID(given)
        except ValueError:
            raise UnknownContact from None
        (groups,) = await ask_soon(groups_of_guid(guid))
        if groups is None:
            (why,) = await ask_soon(why_unknown(guid))
            raise why
        return Answer.json({"groups": groups})

    async def headers(self) -> Headers:
        return await readable_by_its_page(self.request)
