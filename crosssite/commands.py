"""How the hub deals with a command of the tracker: who may, for whom, and what is kept of a no."""

from typing import Any
from uuid import uuid4

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from activities.group_commit import Busy
from activities.inspector import keep_refused_request
from activities.problems import InvalidActivity
from channels.models import Channel
from consents.models import Consent
from contacts.models import Contact
from contacts.resolving import UnknownContact
from crosssite import cookies
from crosssite.hits import count_hit
from crosssite.hosts import find_channel
from crosssite.models import BrowserHits
from crosssite.origins import Caller, find_caller
from crosssite.visitors import Visitor, ensure_contact, join, recognise, remember
from web.addresses import client_address
from web.bots import is_bot
from web.limits import is_within

Outcome = BrowserHits.Outcome


class Refusal(Exception):
    """The command is not carried out; with status 204 the page does not even learn of it."""

    def __init__(self, status: int, outcome: BrowserHits.Outcome, code: str, detail: str):
        super().__init__(detail)
        self.status, self.outcome, self.code, self.detail = status, outcome, code, detail


def invalid(detail: str) -> Refusal:
    """What to raise about a command that breaks a rule."""
    return Refusal(400, Outcome.INVALID, "invalid", detail)


class CommandView(View):
    """A command of the tracker: a POST whose body is a JSON object, from a website that we know.

    The body comes as text/plain: so no preflight is needed, and a page can still send it while it
    is being left. Subclasses implement `carry_out`.
    """

    http_method_names = ["post"]
    # Whether the command may make a contact, or record what one does.
    tracks = True
    writes = True

    channel: Channel
    caller: Caller
    visitor: Visitor

    @method_decorator(csrf_exempt)
    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        self.request_id = uuid4()
        response = super().dispatch(request, *args, **kwargs)
        response["Request-Id"] = str(self.request_id)
        response["Cache-Control"] = "no-store"
        return response

    def post(self, request: HttpRequest) -> HttpResponse:
        self.given: dict[str, Any] = {}
        try:
            self._find_caller()
            if self.writes and settings.READ_ONLY:
                detail = "The hub is read-only for the moment; try again later."
                raise Refusal(503, Outcome.INVALID, "read_only", detail)
            self.given = self._read_body()
            self._refuse_bots()
            self.visitor = recognise(request, self.channel, self.caller.site)
            response = self.carry_out()
            if not settings.READ_ONLY:
                join(self.visitor)
        except Refusal as refusal:
            response = self._refuse(refusal)
        except Busy:
            # Nothing is noted: the database has enough to do.
            detail = "The hub does not keep up for the moment; try again later."
            return self.problem(503, "busy", detail)
        except (UnknownContact, Contact.DoesNotExist):
            detail = "The contact was erased just now."
            return self._refuse(Refusal(404, Outcome.INVALID, "unknown_contact", detail))
        if hasattr(self, "visitor"):
            remember(response, self.visitor)
        return response

    def carry_out(self) -> HttpResponse:
        """Do what the command asks for, for `self.visitor`.

        :raises Refusal: if it is not to be done
        """
        raise NotImplementedError

    def ask_for_cookies(self) -> HttpResponse | None:
        """None if this browser takes our cookies, else the answer that finds out.

        A browser that blocks cookies would be a new contact with every request. So the first answer
        only sets a cookie, and the command is sent again; a contact is made when that came back.
        """
        if self.visitor.contact is not None or cookies.has_any(self.request):
            return None
        if self.given.get("cookietest") is True:
            self.count(Outcome.COOKIES)
            return JsonResponse({"cookiesBlocked": True})
        response = JsonResponse({"cookieTest": True})
        cookies.set_cookie_test(response)
        return response

    def need_contact(self) -> Contact:
        """The contact of the visitor, made now if there was none.

        :raises Refusal: if too many were made for this address
        """
        if self.visitor.contact is None:
            self._limit_new_contacts()
        return ensure_contact(self.visitor)

    def get_consent(self) -> Consent:
        """The consent that the command names.

        :raises Refusal: if there is none
        """
        code_name = self.given.get("codename")
        if not isinstance(code_name, str) or "\0" in code_name:
            raise invalid("codeName must be the code name of a consent.")
        consent = Consent.objects.filter(code_name__iexact=code_name).first()
        if consent is None:
            raise Refusal(404, Outcome.INVALID, "unknown_consent", "There is no such consent.")
        return consent

    def get_language(self) -> str:
        """The language that the command names, if any; `cultureCode` is what it was called once."""
        language = self.given.get("languagename") or self.given.get("culturecode") or ""
        return language if isinstance(language, str) else ""

    def count(self, outcome: BrowserHits.Outcome, times: int = 1) -> None:
        """Count this request for the site doctor."""
        page_url, version = self.given.get("page"), self.given.get("version")
        count_hit(
            self.channel,
            self.request.headers.get("Origin", ""),
            outcome,
            page_url=page_url if isinstance(page_url, str) else "",
            version=version if isinstance(version, str) else "",
            times=times,
        )

    def _find_caller(self) -> None:
        channel = find_channel(self.request)
        if channel is None:
            detail = "No website channel has the domain that this was sent to."
            raise Refusal(404, Outcome.ORIGIN, "unknown_host", detail)
        self.channel = channel
        caller = find_caller(self.request, channel)
        if caller is None:
            detail = "The Origin is neither the main site nor an enabled tracked site of it."
            raise Refusal(403, Outcome.ORIGIN, "unknown_origin", detail)
        self.caller = self.request.caller = caller  # type: ignore[attr-defined]

    def _read_body(self) -> dict[str, Any]:
        try:
            given = msgspec.json.decode(self.request.body, type=dict[str, Any])
        except RequestDataTooBig:
            raise Refusal(413, Outcome.INVALID, "too_large", "The body is too large.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnreadablePostError):
            raise invalid("The body must be a JSON object.") from None
        return {name.lower(): value for name, value in given.items()}

    def _refuse_bots(self) -> None:
        if self.tracks and is_bot(self.request.headers.get("User-Agent", "")):
            raise Refusal(204, Outcome.BOT, "bot", "A known bot.")

    def _limit_new_contacts(self) -> None:
        address = client_address(self.request)
        bucket = f"new-contacts:{self.caller.origin}:{address}"
        limit = settings.NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR
        if not is_within(limit, seconds=3600, bucket=bucket):
            detail = "Too many new visitors from this address; try again later."
            raise Refusal(429, Outcome.LIMIT, "too_many_contacts", detail)

    def _refuse(self, refusal: Refusal) -> HttpResponse:
        if refusal.code != "unknown_host" and not settings.READ_ONLY:
            self._note(refusal)
        if refusal.status == 204:
            return HttpResponse(status=204)
        return self.problem(refusal.status, refusal.code, refusal.detail)

    def problem(self, status: int, code: str, detail: str, field: str = "") -> HttpResponse:
        """The answer that tells the page what was wrong."""
        headers = {}
        if status == 503:
            seconds = settings.READ_ONLY_RETRY_AFTER_SECONDS
            if code == "busy":
                seconds = settings.BUSY_RETRY_AFTER_SECONDS
            headers["Retry-After"] = str(seconds)
        return JsonResponse(
            {
                "type": f"urn:throughline:problem:{code}",
                "status": status,
                "code": code,
                "detail": detail,
                "requestId": str(self.request_id),
                **({"field": field} if field else {}),
            },
            status=status,
            content_type="application/problem+json",
            headers=headers,
        )

    def _note(self, refusal: Refusal) -> None:
        self.count(refusal.outcome)
        # What somebody does who is not to be tracked is kept nowhere, in the inspector neither.
        payload = b"" if refusal.status == 204 else getattr(self.request, "_body", b"")
        origin = self.request.headers.get("Origin", "")
        keep_refused_request(
            InvalidActivity(refusal.code, "", f"{refusal.detail} ({origin[:200]})"),
            door="crosssite",
            request_id=self.request_id,
            payload=payload,
            payload_length=len(payload),
            stranger=f"{client_address(self.request)} {refusal.code}",
        )
