"""The express lane: the usual request with activities, answered in the event loop.

On its way to a view, and waiting in a thread, such a request costs several times what recording
costs. So what can be answered from what the process remembers is answered here, and all else is
left to the view, which knows how to refuse: unknown keys, malformed bodies, other origins.
"""

from uuid import uuid4

from django.conf import settings

from activities.recording import Source, record_activities_async
from channels.keys import is_use_noted, recall_api_key
from tracking.asgi import Answer, Scope
from tracking.headless import translation
from tracking.headless.authentication import ACCESS, bearer_token
from tracking.problems import Problem
from web.hosts import is_hub_host

# What the view finds in the scope if recording failed: the error that it is to answer.
ERROR = "tracking.headless.error"

# Reading a longer one would keep everybody else waiting.
_LONGEST_BODY = 32 * 1024
_PATHS = ("/kentico.tracking/activities", "/kentico.tracking/activities/")


def is_usual(scope: Scope) -> bool:
    """Whether a request may take the express lane, by what is known before its body."""
    return (
        scope["method"] == "POST"
        and scope["path"].lower() in _PATHS
        and settings.TRACKING_API_ENABLED
        and not settings.READ_ONLY
    )


async def answer(scope: Scope, body: bytes) -> Answer | None:
    """The answer to a usual request; None leaves it to the view."""
    headers = dict(scope["headers"])
    if b"origin" in headers or len(headers) < len(scope["headers"]):
        return None
    if len(body) > min(_LONGEST_BODY, settings.MAX_BODY_BYTES):
        return None
    if not is_hub_host(headers.get(b"host", b"").decode("latin1")):
        return None
    token = bearer_token(headers.get(b"authorization", b"").decode("latin1"))
    key = recall_api_key(token, access=ACCESS)
    if key is None or not is_use_noted(key):
        return None
    try:
        request = translation.read_request(body)
    except Problem:
        return None
    if request.channel_guid != key.channel.guid:
        return None
    request_id = uuid4()
    try:
        outcomes = await record_activities_async(
            list(request.drafts),
            contact_guid=request.contact_guid,
            source=Source(door="headless", channel=key.channel, request_id=request_id),
        )
    except Exception as error:
        # Nobody knows better than the view what it means.
        scope[ERROR] = error
        return None
    answer = translation.encode_outcomes(outcomes)
    return Answer(
        207,
        [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"request-id", str(request_id).encode()),
        ],
        answer,
    )
