"""Activities as the headless tracking API takes them."""

from django.conf import settings

from activities.recording import Source, record_soon
from tracking.exchanges import Recording, whole_body
from tracking.headless.authentication import TRACKING, find_key, readable_by_its_page
from tracking.headless.translation import (
    encode_outcomes,
    read_idempotency_key,
    read_request,
    with_ids,
)
from web.answers import Answer, Headers
from web.problems import Problem


class LogActivities(Recording):
    """Logs what a contact did; each activity has a result of its own, in the given order."""

    door = "headless"

    async def record(self) -> Answer:
        request = self.request
        key = await find_key(request, access=TRACKING)
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
            source=Source(
                door=self.door, channel=key.channel, request_id=request.id, key_id=key.pk
            ),
        )
        return Answer.of(encode_outcomes(outcomes), "application/json", status=207)

    async def headers(self) -> Headers:
        return await readable_by_its_page(self.request)
