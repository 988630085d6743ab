"""Who is calling: the API key of a request."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request as ViewRequest

from channels.keys import is_use_noted, note_use, read_api_key_soon, why_ended
from channels.known import may_read
from channels.models import ApiKey
from database.loop import in_thread
from tracking.keys import find_key_of
from web.answers import Headers
from web.authorization import bearer_token
from web.cors import readable_by
from web.problems import Problem
from web.requests import Request

# The access types of its keys.
TRACKING = "tracking"
GROUPS = "groups"
AUTOMATION = "automation"
_OPENS = {
    TRACKING: "the tracking API",
    GROUPS: "contact groups",
    AUTOMATION: "automations",
}


def unauthorized(opens: str, reason: str = "") -> Problem:
    """What to raise about a request without a key that opens this, by default for that reason."""
    return Problem(
        401,
        "unauthorized",
        reason
        or f"Send Authorization: Bearer followed by an enabled API key with access to {opens}.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def find_key(request: Request, *, access: str) -> ApiKey:
    """The key of the caller, which has this access type; `request` knows its channel then.

    :raises Problem: 401, if there is none
    """
    key = await read_api_key_soon(bearer_token(request.headers.get("authorization", "")))
    if key is None or not key.opens(access):
        reason = why_ended(key, access=access)
        if key is not None and reason:
            request.channel = key.channel
        raise unauthorized(_OPENS[access], reason)
    request.channel, request.is_known, request.key_id = key.channel, True, key.pk
    if not is_use_noted(key):
        await in_thread(_note_use, key, request)
    return key


def _note_use(key: ApiKey, request: Request) -> None:
    note_use(key, address=request.address, origin=request.origin)


async def readable_by_its_page(request: Request) -> Headers:
    """The headers that let the page which sent `request` read the answer, if it may."""
    origin = request.origin
    if not origin:
        return []
    channel = request.channel
    # Only as long as nobody knows the channel, all of them are asked.
    is_readable = may_read(origin, channel) if channel else await in_thread(may_read, origin, None)
    return readable_by(origin) if is_readable else []


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` with an enabled key for the tracking API.

    The key becomes `request.auth`; its channel is the one that the caller speaks for.
    """

    access = TRACKING
    opens = _OPENS[TRACKING]

    def authenticate(self, request: ViewRequest) -> tuple[None, ApiKey]:
        text = bearer_token(request.headers.get("Authorization", ""))
        found = find_key_of(request, text, access=self.access)
        if isinstance(found, str):
            raise unauthorized(self.opens, found)
        return None, found

    def authenticate_header(self, request: ViewRequest) -> str:
        return "Bearer"


class GroupsKeyAuthentication(BearerKeyAuthentication):
    """The same with a key for contact groups."""

    access = GROUPS
    opens = _OPENS[GROUPS]


class AutomationKeyAuthentication(BearerKeyAuthentication):
    """The same with a key for automations."""

    access = AUTOMATION
    opens = _OPENS[AUTOMATION]
