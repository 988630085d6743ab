"""What the builder of templates asks the server: the email of a contact, and a test of it."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.http import HttpRequest, JsonResponse

from adminsite.searching import as_id
from automations.emails.addresses import BadAddress, ascii_address, sender_of
from automations.emails.errors import CannotRender, Missing
from automations.emails.rendering import Compiled, Rendered
from automations.emails.samples import sample_links, sample_values
from automations.emails.saving import check_template
from automations.emails.values import values_of
from automations.models import Template
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import search_contacts
from contacts.models import Contact

_FOUND = 8
_LONGEST_TERM = 200
# A new template has none yet, and is shown all the same.
_NO_SUBJECT = "No subject yet"
_DARK = "@media (prefers-color-scheme: dark)"
_LINES = ("subject", "preheader", "from_name", "from_email", "reply_to")


class _Refused(Exception):
    """What the answer says instead of an email."""

    def __init__(self, answer: dict[str, Any], status: int = 200):
        super().__init__()
        self.answer, self.status = answer, status


def preview(request: HttpRequest) -> JsonResponse:
    """The email of the template that the builder sent, or what is wrong with it.

    It is that of the contact who is named, for users who may see contacts, or of a sample.
    """
    try:
        given = _given(request)
        template = _template(given)
        template.subject = template.subject.strip() or _NO_SUBJECT
        rendered = _rendered(template, _contact(request, given))
    except _Refused as refused:
        return JsonResponse(refused.answer, status=refused.status)
    return JsonResponse(
        {
            "subject": rendered.subject,
            "preheader": rendered.preheader,
            "light": rendered.html.replace(_DARK, "@media not all"),
            "dark": rendered.html.replace(_DARK, "@media all"),
            "text": rendered.text,
        }
    )


def send_test(request: HttpRequest) -> JsonResponse:
    """Send that email to an address, as a test, and say what came of it."""
    try:
        given = _given(request)
        to = _text(given, "to").strip()
        _check_address(to)
        contact = _contact(request, given)
        template = _template(given)
        _send(template, _rendered(template, contact), to, contact)
    except _Refused as refused:
        return JsonResponse(refused.answer, status=refused.status)
    return JsonResponse({"done": f"The test was handed to the mail server, for {to}."})


def _check_address(to: str) -> None:
    try:
        validate_email(to)
    except ValidationError:
        said = "Write a whole email address, such as me@example.com."
        raise _Refused({"failure": said}) from None


def find_contacts(request: HttpRequest) -> JsonResponse:
    """Contacts for the preview, by what is typed: an email, a name or a GUID."""
    term = request.GET.get("q", "").replace("\0", "").strip()[:_LONGEST_TERM]
    found = search_contacts(Contact.objects.live(), term).order_by("-pk")[:_FOUND] if term else []
    return JsonResponse({"contacts": [{"id": one.pk, "name": str(one)} for one in found]})


def _given(request: HttpRequest) -> dict[str, Any]:
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise _Refused({"failure": "This is no template: it cannot be read as JSON."}, status=400)
    return given


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name, "")
    return value if isinstance(value, str) else ""


def _template(given: dict[str, Any]) -> Template:
    """The template that was sent, which is not saved."""
    lines = {name: _text(given, name) for name in _LINES}
    return Template(
        **lines, blocks=given.get("blocks"), consent_id=as_id(str(given.get("consent") or ""))
    )


def _rendered(template: Template, contact: Contact | None) -> Rendered:
    try:
        check_template(template)
    except ValidationError as error:
        raise _Refused({"errors": dict(error.message_dict)}) from None
    compiled = Compiled(template)
    names = compiled.event_names
    if contact is None:
        values = sample_values(names)
    else:
        values = values_of([contact], names, {})[contact.pk]
    try:
        return compiled.render(values, sample_links())
    except (Missing, CannotRender) as error:
        raise _Refused({"held": error.reason}) from None


def _contact(request: HttpRequest, given: dict[str, Any]) -> Contact | None:
    asked = as_id(str(given.get("contact") or ""))
    if asked is None or not may_see_contacts(request.user):
        return None
    contact = Contact.objects.live().filter(pk=asked).first()
    if contact is None:
        raise _Refused({"failure": "There is no such contact any more. Choose another one."})
    return contact


def _send(template: Template, rendered: Rendered, to: str, contact: Contact | None) -> None:
    try:
        message = EmailMultiAlternatives(
            f"Test: {rendered.subject}",
            rendered.text,
            sender_of(template),
            [ascii_address(to)],
            reply_to=[template.reply_to] if template.reply_to else None,
        )
    except BadAddress as error:
        raise _Refused({"failure": str(error)}) from error
    message.attach_alternative(rendered.html, "text/html")
    if contact is not None:
        message.contact_id = contact.pk  # type: ignore[attr-defined]
    try:
        message.send()
    except Exception as error:
        # Any kind: mail backends raise their own, and the user has to read what the server says.
        raise _Refused({"failure": f"The mail server did not take it: {error}"}) from error
