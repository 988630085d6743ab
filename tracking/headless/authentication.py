"""Who is calling: the API key of a request."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from channels.keys import find_api_key, note_use
from channels.models import ApiKey
from web.authorization import bearer_token
from web.problems import Problem

ACCESS = "tracking"


def unauthorized() -> Problem:
    """What to raise about a request without a key that opens the tracking API."""
    return Problem(
        401,
        "unauthorized",
        "Send Authorization: Bearer followed by an enabled API key with access to the tracking "
        "API.",
        headers={"WWW-Authenticate": "Bearer"},
    )


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` with an enabled key for the tracking API.

    The key becomes `request.auth`; its channel is the one that the caller speaks for.
    """

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        text = bearer_token(request.headers.get("Authorization", ""))
        key = find_api_key(text, access=ACCESS)
        if key is None:
            raise unauthorized()
        note_use(key)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
