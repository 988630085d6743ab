"""Who calls the ActiveCampaign-format API: the key in `Api-Token`."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from channels.keys import find_api_key, note_use
from channels.models import ApiKey
from web.problems import Problem

ACCESS = "activecampaign"


class ApiTokenAuthentication(BaseAuthentication):
    """`Api-Token: <key>` with an enabled key for the ActiveCampaign-format API.

    The key becomes `request.auth`; its channel is the account that the caller sees.
    """

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        text = request.headers.get("Api-Token", "").strip()
        key = find_api_key(text, access=ACCESS)
        if key is None:
            raise Problem(
                403,
                "forbidden",
                "The header Api-Token is no enabled API key with access to the "
                "ActiveCampaign-format API.",
            )
        note_use(key)
        return None, key
