"""Who calls the ActiveCampaign-format API: the key in `Api-Token`."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from channels.models import ApiKey
from tracking.keys import find_key_of
from web.problems import Problem

ACCESS = "activecampaign"


class ApiTokenAuthentication(BaseAuthentication):
    """`Api-Token: <key>` with an enabled key for the ActiveCampaign-format API.

    The key becomes `request.auth`; its channel is the account that the caller sees.
    """

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        text = request.headers.get("Api-Token", "").strip()
        found = find_key_of(request, text, access=ACCESS)
        if isinstance(found, str):
            raise Problem(
                403,
                "forbidden",
                found
                or "The header Api-Token is no enabled API key with access to the "
                "ActiveCampaign-format API.",
            )
        return None, found
