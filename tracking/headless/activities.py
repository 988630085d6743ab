"""Activities as the headless tracking API takes them."""

from django.conf import settings

from activities.recording import Source, record_soon
from channels.keys import find_api_key_soon, is_use_noted, note_use
from channels.known import may_read
from database.loop import in_thread
from tracking.exchanges import Recording, whole_body
from tracking.headless.authentication import ACCESS, unauthorized
from tracking.headless.translation import (
    encode_outcomes,
    read_idempotency_key,
    read_request,
    with_ids,
)
from web.answers import Answer, Headers
from web.authorization import bearer_token
from web.cors import readable_by
from web.problems import Problem


class LogActivities(Recording):
    """Logs what a contact did; each activity has a result of its own, in the given order."""

    door = "headless"

    async def record(self) -> Answer:
        request = self.request
        token = bearer_token(request.headers.get("authorization", ""))
        key = await find_api_key_soon(token, access=ACCESS)
        if key is None:
            raise unauthorized()
        request.channel, request.is_known = key.channel, True
        if not is_use_noted(key):
            await in_thread(note_use, key)
        given = read_request(whole_body(request, settings.MAX_BODY_BYTES))
        request.contact_guid = str(given.contact_guid)
        if given.channel_guid != key.channel.guid:
            raise Problem(
                403, "wrong_channel", "The API key belongs to another channel.", field="channel"
            )
        drafts = given.drafts
        if idempotency_key := read_idempotency_key(request.headers):
            drafts = with_ids(drafts, key.pk, idempotency_key)
        outcomes = await record_soon(
            drafts,
            contact_guid=given.contact_guid,
            source=Source(door=self.door, channel=key.channel, request_id=request.id),
        )
        return Answer.of(encode_outcomes(outcomes), "application/json", status=207)

    async def headers(self) -> Headers:
        origin = self.request.origin
        if not origin:
            return []
        channel = self.request.channel
        # Only as long as nobody knows the channel, all of them are asked.
        is_readable = (
            may_read(origin, channel) if channel else await in_thread(may_read, origin, None)
        )
        return readable_by(origin) if is_readable else []
