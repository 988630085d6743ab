"""Pages for requests without a login: few at once, so that recording goes on meanwhile.

To render a page keeps the interpreter busy, and with it the event loop, for longer than recording
a hundred activities.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from django.conf import settings

from web.addresses import network_of
from web.answers import Answer, Scope
from web.doors import door_at
from web.requests import Request

# What is rendered for everybody, whatever cookie a request has.
OPEN_PAGES = (
    "/api/docs",
    "/api/schema",
    "/admin/login",
    "/admin/password_reset",
    "/admin/two-factor",
    "/admin/oidc",
    "/admin/sso",
    "/admin/inactive",
)
# What costs little; a page has twenty such files.
# So does what the links of emails lead through.
_CHEAP = ("/static/", "/health/", "/email/o/", "/email/c/")
# How many pages a process makes at once for such requests, and how many requests wait for that.
PAGES_AT_ONCE = 2
_MOST_WAITING = 16
# How many open pages one address may ask a process for, in so many seconds.
_MOST_ASKED, _SECONDS = 60, 30
# After how many seconds a request is refused: who asks again at once does not do it often.
REFUSAL_SECONDS = 1.0
# With more addresses than these, counting begins anew: none of them has many requests.
_MOST_ADDRESSES = 10_000


@dataclass
class Guests:
    """The requests without a login that this process has to answer, and had to a while ago."""

    clock: Callable[[], float] = time.monotonic
    waiting: int = 0
    _asked: Counter[str] = field(default_factory=Counter)
    _ends_at: float = 0.0

    def refuse(self, scope: Scope) -> Answer | None:
        """The answer to a request that is one too many; None if it may have its page."""
        if scope["path"].startswith(OPEN_PAGES) and not self._is_within_limit(scope):
            seconds = math.ceil(self._ends_at - self.clock())
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, seconds)
        if self.waiting >= PAGES_AT_ONCE + _MOST_WAITING:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, settings.BUSY_RETRY_AFTER_SECONDS)
        return None

    def _is_within_limit(self, scope: Scope) -> bool:
        if self.clock() >= self._ends_at or len(self._asked) >= _MOST_ADDRESSES:
            self._asked.clear()
            self._ends_at = self.clock() + _SECONDS
        address = network_of(Request.of_scope(scope, b"").address)
        self._asked[address] += 1
        return self._asked[address] <= _MOST_ASKED


def is_guest(scope: Scope) -> bool:
    """Whether a request gets what is for people, and is not known to come from one who logged in.

    Only the database knows whether the cookie of a session is one.
    """
    path = scope["path"]
    if path.startswith(_CHEAP) or door_at(path):
        return False
    if path.startswith(OPEN_PAGES):
        return True
    return settings.SESSION_COOKIE_NAME not in Request.of_scope(scope, b"").cookies


def _refusal(status: HTTPStatus, seconds: int) -> Answer:
    return Answer.of(
        f"{status.phrase}. Try again in {seconds} seconds.\n".encode(),
        "text/plain; charset=utf-8",
        status=status,
        headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
    )
