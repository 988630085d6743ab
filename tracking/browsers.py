"""What doors do for browsers: tell them from servers, and answer requests made by a picture."""

import base64
from collections.abc import Mapping

from tracking.switches import check_switches
from web.answers import Answer
from web.exchanges import Exchange
from web.problems import Problem
from web.requests import Request

# The smallest transparent picture: one pixel, as a GIF.
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def is_browser(request: Request) -> bool:
    """Whether a web page made this request, rather than a server or an app."""
    # Pictures come without an origin, and without Sec-Fetch-* to a hub that has no https, or from
    # browsers before 2023.
    return any(name in request.headers for name in ("origin", "sec-fetch-mode", "referer"))


def pixel(*, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A transparent picture that no cache keeps."""
    kept = {"Cache-Control": "no-store, private", **(headers or {})}
    return Answer.of(_PIXEL, "image/gif", status=status, headers=kept)


class SeePixel(Exchange):
    """What HEAD is answered where GET gets a picture: nobody saw one, so nothing is recorded.

    Those who check links or scan mails ask like this.
    """

    async def carry_out(self) -> Answer:
        check_switches()
        return pixel()

    def refuse(self, problem: Problem) -> Answer:
        return pixel(status=problem.status, headers=problem.headers)
