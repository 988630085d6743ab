"""Somebody rings."""

from activities.drafts import Draft
from activities.recording import Source, record_soon
from channels.keys import read_api_key_soon
from contacts.models import Contact
from database.loop import in_thread
from tracking.exchanges import Recording
from web.answers import Answer
from web.problems import Problem

ACCESS = "bell"


class Ring(Recording):
    door = "bell"

    async def record(self):
        key = await read_api_key_soon(self.request.headers.get("bell", ""))
        if key is None or not key.opens(ACCESS):
            raise Problem(403, "no_bell", "This is not a key of the bell.")
        self.request.channel, self.request.is_known = key.channel, True
        contact = await in_thread(Contact.objects.create)
        source = Source(
            door=self.door,
            channel=key.channel,
            request_id=self.request.id,
            names_types=self.door,
        )
        await record_soon([Draft(type="rang twice")], contact_guid=contact.guid, source=source)
        return Answer.of(b"", status=204)
