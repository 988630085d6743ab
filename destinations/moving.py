"""A destination whose address becomes that of another server.

Headers and credentials are not shown again once they are saved. So what is saved goes only to the
server that it was given for: for another one users enter it anew.
"""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from yarl import URL

from destinations.addresses import InvalidAddress, read_url


def check_move(before: str, now: str, kept: Iterable[str]) -> None:
    """Refuse an address of another server as long as secrets are kept that were saved before.

    :param kept: what users call the secrets that have not been given anew
    :raises ValidationError: at the address
    """
    names = list(dict.fromkeys(kept))
    if not names or not before or _server_of(before) == _server_of(now):
        return
    raise ValidationError(
        {
            "url": f"This is another server than before. Enter anew, or take out: "
            f"{', '.join(names)}. What was saved is sent only to the server that it was given for."
        }
    )


def _server_of(url: str) -> URL | str:
    try:
        return read_url(url).origin()
    except InvalidAddress:
        return url
