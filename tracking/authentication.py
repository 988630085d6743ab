"""Who is calling: the API key of a request."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from channels.keys import find_api_key, note_use
from channels.models import ApiKey
from tracking.problems import Problem


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` with an enabled key for the tracking API.

    The key becomes `request.auth`; its channel is the one that the caller speaks for.
    """

    access = ApiKey.Access.TRACKING

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        key = find_api_key(text.strip(), access=self.access) if scheme.lower() == "bearer" else None
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
