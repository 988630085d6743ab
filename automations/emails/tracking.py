"""Opens and clicks: counted only of contacts who agree to that when it happens.

The link of a click leads on whatever becomes of the count: its target stands in the token, signed,
so that it leads nowhere that an email did not.
"""

import logging
from base64 import b64decode
from datetime import timedelta

from django.conf import settings
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from automations.emails.links import BadToken, Purpose, Token, email_of, read_token
from automations.emails.pages import HEADERS, tell_broken
from automations.emails.permission import who_agrees
from automations.models import Email, EmailEvent
from contacts.merging import lock_live
from contacts.models import Contact
from database.outages import is_away
from web.bots import is_prefetched

_log = logging.getLogger(__name__)

_Kind = EmailEvent.Kind
_PIXEL = b64decode(b"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# Nobody has read an email so soon after it was sent, or opens two of its links so quickly.
_TOO_SOON = timedelta(seconds=2)
# The same again within this time is no news, and would let anybody fill the table.
_AGAIN_AFTER = timedelta(hours=1)
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


@require_safe
def send_pixel(request: HttpRequest, token: str) -> HttpResponse:
    """The picture of one transparent pixel by which it is seen that an email was opened."""
    try:
        _count(request, read_token(Purpose.OPEN, token), _Kind.OPENED)
    except BadToken:
        return HttpResponse(status=404, headers=HEADERS)
    return HttpResponse(_PIXEL, content_type="image/gif", headers=HEADERS)


@require_safe
def follow_click(request: HttpRequest, token: str) -> HttpResponse:
    """Leads to where a link of an email was meant to."""
    try:
        read = read_token(Purpose.CLICK, token)
    except BadToken:
        return tell_broken(request)
    _count(request, read, _Kind.CLICKED)
    return HttpResponseRedirect(read.detail, headers=HEADERS)


def _count(request: HttpRequest, token: Token, kind: EmailEvent.Kind) -> None:
    if request.method != "GET" or settings.READ_ONLY:
        return
    try:
        email = email_of(token)
        if email is not None and _may_count(email, kind):
            _record(email, kind, token.detail, _is_by_robot(request, email, kind, token.detail))
    except Contact.DoesNotExist:
        return  # erased in this very moment
    except Error as error:
        if not is_away(error):
            raise
        _log.warning("An open or a click was not counted: the database is away.")


def _may_count(email: Email, kind: EmailEvent.Kind) -> bool:
    template = email.template
    if template is None:
        return False
    is_open = kind == _Kind.OPENED
    consent_id = template.open_consent_id if is_open else template.click_consent_id
    return bool(who_agrees([email.contact_id], consent_id))


def _is_by_robot(request: HttpRequest, email: Email, kind: EmailEvent.Kind, target: str) -> bool:
    purposes = [request.headers.get(name, "") for name in _PURPOSES]
    if is_prefetched(request.headers.get("User-Agent", ""), purposes):
        return True
    now = timezone.now()
    # Of an uncertain email nobody knows when it was sent.
    left_at = email.sent_at or email.handed_over_at
    if left_at is None or now - left_at < _TOO_SOON:
        return True
    others = email.events.filter(kind=_Kind.CLICKED, at__gt=now - _TOO_SOON).exclude(detail=target)
    return kind == _Kind.CLICKED and others.exists()


@transaction.atomic
def _record(email: Email, kind: EmailEvent.Kind, detail: str, by_robot: bool) -> None:
    (contact,) = lock_live(email.contact_id)
    same = email.events.filter(kind=kind, detail=detail, by_robot=by_robot)
    if same.filter(at__gt=timezone.now() - _AGAIN_AFTER).exists():
        return
    EmailEvent.objects.create(
        email=email,
        contact=contact,
        template=email.template,
        kind=kind,
        detail=detail,
        by_robot=by_robot,
    )
