"""Noting that API keys are used, and telling callers why one is refused."""

from rest_framework.request import Request as ViewRequest

from channels.keys import is_use_noted, note_use, read_api_key, why_ended
from channels.models import ApiKey
from web.addresses import client_address


def find_key_of(request: ViewRequest, text: str, *, access: str) -> ApiKey | str:
    """The key with this text that opens what `access` says, or why it ended, which may be "".

    Its use is noted. The view of `request` knows the channel of a key that has ended.
    """
    key = read_api_key(text)
    if key is not None and key.opens(access):
        if not is_use_noted(key):
            note_use(key, address=_address_of(request), origin=request.headers.get("Origin", ""))
        return key
    reason = why_ended(key, access=access)
    if key is not None and reason and request.parser_context:
        request.parser_context["view"].channel = key.channel
    return reason


def _address_of(request: ViewRequest) -> str:
    forwarded = request.headers.get("X-Forwarded-For", "")
    return client_address(forwarded, request.META.get("REMOTE_ADDR", ""))
