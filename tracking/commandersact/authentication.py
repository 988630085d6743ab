"""Who asks the Config API: an API key."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from channels.models import ApiKey
from tracking.keys import find_key_of
from web.problems import Problem

ACCESS = "commandersact"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class ConfigKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` with an enabled key for the Config API.

    What is wrong with it is told apart, as that API does.
    """

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        header = request.headers.get("Authorization", "").strip()
        if not header:
            detail = "Send Authorization: Bearer followed by an API key for the Config API."
            raise Problem(401, "missing_authorization_header", detail, headers=_CHALLENGE)
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            detail = "Send the API key as a Bearer token."
            raise Problem(401, "unknown_token_type", detail, headers=_CHALLENGE)
        found = find_key_of(request, text.strip(), access=ACCESS)
        if isinstance(found, str):
            detail = found or "The key is unknown, disabled, expired, or none for the Config API."
            raise Problem(401, "unknown_token", detail, headers=_CHALLENGE)
        return None, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
