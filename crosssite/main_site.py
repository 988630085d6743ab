"""What the Python code of a main site does for its current visitor."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from activities import recording
from channels.models import CookieLevel
from consents.models import Consent
from crosssite import cookies
from crosssite.agreeing import come_back, record_answer
from crosssite.visitors import Visitor, ensure_contact
from web.requests import new_request_id


class NoMainSite(Exception):
    """The request was sent to a host that no website channel has as its domain."""


def current_visitor(request: HttpRequest) -> Visitor:
    """The visitor of this request.

    :raises NoMainSite: if its host is no main site, or CurrentContactMiddleware is missing
    """
    visitor = getattr(request, "visitor", None)
    if visitor is None:
        raise NoMainSite(
            f"No website channel has the domain {request.get_host()}, or "
            "crosssite.middleware.CurrentContactMiddleware is not in MIDDLEWARE."
        )
    return visitor


def agree(request: HttpRequest, consent: Consent, language: str = "", *, email: str = "") -> None:
    """Record that the visitor agrees to `consent`, whose text they read in `language`.

    `email` is what they give in the same form: if its owner was erased, it may come back.
    Now they are a contact. With the tracking consent, their cookie level becomes the channel's
    level for those who agreed.
    """
    visitor = current_visitor(request)
    ensure_contact(visitor)
    record_answer(visitor, consent, agreed=True, language=language, request_id=new_request_id())
    if email:
        come_back(visitor, [email])


def revoke(request: HttpRequest, consent: Consent, language: str = "") -> None:
    """Record that the visitor does not agree to `consent` any more, here and on tracked sites.

    With the tracking consent, their cookie level becomes the channel's level for everybody, and
    the cookies that are above it are deleted.
    """
    visitor = current_visitor(request)
    record_answer(visitor, consent, agreed=False, language=language, request_id=new_request_id())


def set_cookie_level(request: HttpRequest, response: HttpResponseBase, level: int) -> None:
    """Set the cookie level of this browser, and delete the cookies that are above it."""
    visitor = current_visitor(request)
    cookies.set_level(response, level)
    visitor.level = level
    if level < CookieLevel.VISITOR:
        # Without the cookie this browser is nobody, from this answer on.
        visitor.contact, visitor.others = None, []


def log_custom_activity(
    request: HttpRequest,
    code_name: str,
    *,
    title: str = "",
    value: str = "",
    properties: dict | None = None,
) -> bool:
    """Record that the current contact did something of a custom activity type.

    Return whether it was recorded: nothing is, of visitors who are no contact or must not be
    tracked, and of HEAD requests, which show nobody anything.

    :raises InvalidActivity: if the type is unknown, disabled or a system type, or a text too long
    """
    visitor = current_visitor(request)
    contact = visitor.contact if visitor.may_be_tracked else None
    if contact is None or settings.READ_ONLY or request.method == "HEAD":
        return False
    recording.log_custom_activity(
        code_name,
        contact=contact,
        channel=visitor.channel,
        title=title,
        value=value,
        url=request.build_absolute_uri(),
        referrer=request.headers.get("Referer", ""),
        properties=properties,
    )
    return True
