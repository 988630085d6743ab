"""The pages behind the links of emails: unsubscribing, preferences, and confirming.

The token in the address is the only credential: a reader of an email has no session, and needs no
CSRF token, since another website that does not know the address cannot make a browser post to it.
A GET changes nothing, because mail servers open the links of emails to look for malware.
"""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from automations.emails import answering
from automations.emails.answering import Choice, Given
from automations.emails.links import BadToken, Purpose, Token, email_of, read_token, token_of
from automations.emails.wording import words_in
from automations.models import Email
from consents.finding import find_consent
from consents.models import ConsentText
from consents.texts import choose_text, clean_html
from contacts.models import Contact

# Nobody keeps a copy of these pages, finds them, or is told their address by a link on them.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
# What a mail program posts by RFC 8058, and the button of the page as well.
ONE_CLICK = ("List-Unsubscribe", "One-Click")
# More languages than anybody reads are not looked for.
_MOST_LANGUAGES, _LONGEST_HEADER = 10, 500
_MOST_CHOICES = 1_000


def tell_broken(request: HttpRequest) -> HttpResponse:
    """The page for a link that the hub has not made, or that was cut short."""
    return tell("broken", _accepted(request), status=HTTPStatus.NOT_FOUND)


def tell(what: str, languages: Sequence[str], *, status: int) -> HttpResponse:
    """A page that only tells the reader something: the words `what` and its text."""
    words = words_in(languages)
    title, text = getattr(words, what), getattr(words, f"{what}_text")
    context = {"words": words, "title": title, "text": text}
    return _with_headers(_page("automations/emails/told.html", context, status))


def _page(template: str, context: dict[str, Any], status: int) -> HttpResponse:
    # Without the request: what other pages know of it, such as the user, is not for these.
    return HttpResponse(render_to_string(template, context), status=status)


def _with_headers(response: HttpResponseBase) -> Any:
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


@method_decorator(csrf_exempt, name="dispatch")
class _Page(View):
    """A page about one email, that of the token in its address."""

    purpose: Purpose
    template_name: str
    token: Token
    email: Email | None
    languages: Sequence[str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.token = read_token(self.purpose, kwargs.pop("token"))
        except BadToken:
            return tell_broken(request)
        self.email = email_of(self.token)
        self.languages = _languages_for(request, self.email)
        return _with_headers(super().dispatch(request, *args, **kwargs))

    def show(self, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
        """The page, in the language of the reader as far as the hub knows it."""
        words, preferences = words_in(self.languages), self._preferences()
        known = {"words": words, "preferences": preferences}
        return _page(self.template_name, known | context, status)

    def tell(self, what: str, *, status: int = HTTPStatus.OK) -> HttpResponse:
        """A page that only tells the reader why there is nothing to do."""
        return tell(what, self.languages, status=status)

    def _preferences(self) -> str:
        """The address of the page of preferences, as the links in emails have it."""
        token = token_of(Purpose.PREFERENCES, self.token.message)
        return f"../{Purpose.PREFERENCES}/{token}"


class UnsubscribePage(_Page):
    """Takes back the consent that an email needed, by one POST of a mail program or of a reader.

    An email that is not kept any more, because its contact was erased, is answered like any other.
    """

    purpose = Purpose.UNSUBSCRIBE
    template_name = "automations/emails/unsubscribe.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(email=self.email)

    def post(self, request: HttpRequest) -> HttpResponse:
        name, value = ONE_CLICK
        if request.POST.get(name) != value:
            return self.show(email=self.email, status=HTTPStatus.BAD_REQUEST)
        if self.email is not None:
            # One who is erased in this very moment has nothing left to take back.
            with suppress(Contact.DoesNotExist):
                answering.unsubscribe(self.email, self.languages)
        return self.show(email=self.email, is_done=True)


class PreferencesPage(_Page):
    """All that a contact may agree to, with what they agree to now."""

    purpose = Purpose.PREFERENCES
    template_name = "automations/emails/preferences.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        if self.email is None:
            return self.tell("gone")
        return self._with_choices(self.email, is_saved="saved" in request.GET)

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.email is None:
            return self.tell("gone")
        try:
            if "everything" in request.POST:
                answering.take_back_everything(self.email, self.languages)
                is_all = True
            else:
                is_all = answering.choose(self.email, _given(request), self.languages)
        except Contact.DoesNotExist:
            return self.tell("gone")
        if not is_all:
            return self._with_choices(self.email, status=HTTPStatus.CONFLICT, is_changed=True)
        return HttpResponseRedirect(f"{request.path}?saved", status=HTTPStatus.SEE_OTHER)

    def _with_choices(self, email: Email, **context: Any) -> HttpResponse:
        choices = answering.choices_of(email.contact_id, self.languages)
        shown = [(choice, _html(choice.text)) for choice in choices]
        agrees = any(choice.agreed for choice in choices)
        return self.show(choices=shown, agrees=agrees, **context)


class ConfirmPage(_Page):
    """Lets the reader of an email agree to one consent: the second half of a double opt-in."""

    purpose = Purpose.CONFIRM
    template_name = "automations/emails/confirm.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._answer(lambda choice, email: choice.agreed)

    def post(self, request: HttpRequest) -> HttpResponse:
        text_id = _number(request.POST.get("text", ""))
        return self._answer(
            lambda choice, email: answering.confirm(email, choice.consent, text_id or 0),
            is_asked=True,
        )

    def _answer(self, is_done_by: Any, *, is_asked: bool = False) -> HttpResponse:
        choice = self._choice()
        if choice is None or self.email is None:
            return self.tell("gone")
        try:
            is_done = is_done_by(choice, self.email)
        except Contact.DoesNotExist:
            return self.tell("gone")
        is_changed = is_asked and not is_done
        return self.show(
            status=HTTPStatus.CONFLICT if is_changed else HTTPStatus.OK,
            choice=choice,
            html=_html(choice.text),
            is_done=is_done,
            is_changed=is_changed,
        )

    def _choice(self) -> Choice | None:
        consent = find_consent(self.token.detail)
        if consent is None or self.email is None:
            return None
        current = consent.texts.filter(superseded_at__isnull=True)
        text = choose_text(consent, current, self.languages)
        if text is None:
            return None
        return Choice(consent, text, answering.is_agreed_by_reader(self.email, consent))


def _given(request: HttpRequest) -> list[Given]:
    """What a reader has made different on the page, which names the texts that it has shown."""
    checked = set(request.POST.getlist("agreed"))
    given = []
    for shown in request.POST.getlist("shown")[:_MOST_CHOICES]:
        consent, was_agreed, text = [*shown.split(":"), "", ""][:3]
        agreed, consent_id = consent in checked, _number(consent)
        if consent_id is not None and agreed != (was_agreed == "yes"):
            given.append(Given(consent_id, _number(text), agreed))
    return given


def _number(text: str) -> int | None:
    """An id that a form has sent, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _html(text: ConsentText | None) -> tuple[SafeString, SafeString]:
    """The short and the full text, cleaned once more: the page is one of the hub's own."""
    if text is None:
        return mark_safe(""), mark_safe("")
    short, full = (mark_safe(clean_html(html)) for html in (text.short_text, text.full_text))  # noqa: S308
    return short, full


def _languages_for(request: HttpRequest, email: Email | None) -> list[str]:
    """The language of the text that the contact has last agreed to, then those of the browser."""
    known = answering.languages_of(email.contact_id) if email else []
    return [*known, *_accepted(request)]


def _accepted(request: HttpRequest) -> list[str]:
    given = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:_LONGEST_HEADER])
    return [language for language, _ in given if language != "*"][:_MOST_LANGUAGES]
