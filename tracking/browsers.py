"""What doors do for browsers: tell them from servers, and answer requests made by a picture."""

import base64

from django.http import HttpRequest, HttpResponse

# The smallest transparent picture: one pixel, as a GIF.
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def is_browser(request: HttpRequest) -> bool:
    """Whether a web page made this request, rather than a server or an app."""
    # Pictures come without an origin, and without Sec-Fetch-* to a hub that has no https, or from
    # browsers before 2023.
    return any(name in request.headers for name in ("Origin", "Sec-Fetch-Mode", "Referer"))


def pixel() -> HttpResponse:
    """A transparent picture that no cache keeps."""
    return HttpResponse(
        _PIXEL, content_type="image/gif", headers={"Cache-Control": "no-store, private"}
    )
