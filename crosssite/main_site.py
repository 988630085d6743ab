"""What the Python code of a main site does for its current visitor."""

from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from activities import recording
from channels.models import CookieLevel
from consents.agreements import record_agreement
from consents.models import Consent
from crosssite import cookies
from crosssite.visitors import Visitor, ensure_contact


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


def agree(request: HttpRequest, consent: Consent, language: str = "") -> None:
    """Record that the visitor agrees to `consent`, whose text they read in `language`.

    Now they are a contact. With the tracking consent, their cookie level becomes the channel's
    level for those who agreed.
    """
    visitor = current_visitor(request)
    _record_answer(request, consent, agreed=True, language=language)
    if consent == visitor.channel.tracking_consent:
        visitor.has_agreed, visitor.level = True, None


def revoke(request: HttpRequest, consent: Consent, language: str = "") -> None:
    """Record that the visitor does not agree to `consent` any more, here and on tracked sites.

    With the tracking consent, their cookie level becomes the channel's level for everybody, and
    the cookies that are above it are deleted.
    """
    visitor = current_visitor(request)
    _record_answer(request, consent, agreed=False, language=language)
    if consent == visitor.channel.tracking_consent:
        visitor.has_agreed = False


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
    tracked.

    :raises InvalidActivity: if the type is unknown, disabled or a system type, or a text too long
    """
    visitor = current_visitor(request)
    contact = visitor.contact if visitor.may_be_tracked else None
    if contact is None or settings.READ_ONLY:
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


def _record_answer(request: HttpRequest, consent: Consent, *, agreed: bool, language: str) -> None:
    visitor = current_visitor(request)
    if agreed:
        ensure_contact(visitor)
    request_id = uuid4()
    for contact in visitor.contacts[:1] if agreed else visitor.contacts:
        record_agreement(
            contact,
            consent,
            agreed=agreed,
            channel=visitor.channel,
            language=language,
            request_id=request_id,
        )
