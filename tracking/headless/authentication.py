"""Who is calling: the API key of a request."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from channels.keys import find_api_key, note_use
from channels.models import ApiKey
from tracking.problems import Problem

ACCESS = "tracking"


def bearer_token(authorization: str) -> str:
    """What such a header says after `Bearer`; "" if it says something else."""
    scheme, _, text = authorization.strip().partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` with an enabled key for the tracking API.

    The key becomes `request.auth`; its channel is the one that the caller speaks for.
    """

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        text = bearer_token(request.headers.get("Authorization", ""))
        key = find_api_key(text, access=ACCESS)
        if key is None:
            raise Problem(
                401,
                "unauthorized",
                "Send Authorization: Bearer followed by an enabled API key with access to the "
                "tracking API.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        note_use(key)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
