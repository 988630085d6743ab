"""The ActiveCampaign wire format of events: from every encoding that clients use, to drafts."""

import re
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from django.core.exceptions import SuspiciousOperation
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.http import parse_header_parameters

from activities.drafts import MAX_TEXT, Draft
from activities.event_names import code_name_for
from activities.models import SystemType
from activities.problems import InvalidActivity
from tracking.nested import read_nested, with_plus
from web.bodies import (
    SHORT,
    UNDECODABLE,
    compact,
    decode_json,
    decode_members,
    explain,
    without_mark,
)

# What the format answers when one of these is missing; only the first text is known for certain.
MISSING = {
    "actid": "An account ID must be provided.",
    "key": "An event key must be provided.",
    "event": "An event name must be provided.",
}
_URLENCODED = ("application/x-www-form-urlencoded", "")
_MULTIPART = "multipart/form-data"
# Declared by clients whose forms are not in UTF-8; windows-1252 has all of them.
_WESTERN = ("iso-8859-1", "iso-8859-15", "latin1", "windows-1252")
_ESCAPE_BEYOND_ASCII = re.compile(r"%([89A-Fa-f][0-9A-Fa-f])")


class Form(msgspec.Struct):
    """The fields of a request, in its query and in its body; those of the body count more.

    `is_readable` tells whether the body was a form; the fields of another one are not seen.
    """

    fields: dict[str, Any]
    is_readable: bool = True

    def text(self, name: str) -> str:
        """The field `name` without spaces at its ends; "" if it is missing or no text."""
        value = self.fields.get(name)
        return value.strip() if isinstance(value, str) else ""

    def require(self, name: str) -> str:
        """The text of a field that has to be there.

        :raises InvalidActivity: if it is missing
        """
        if text := self.text(name):
            return text
        if self.is_readable:
            raise InvalidActivity("missing_field", name, MISSING[name])
        raise InvalidActivity(
            "not_a_form",
            name,
            f"{MISSING[name]} The body was not read: it is no form that is urlencoded or "
            "multipart/form-data.",
        )


class Visit(msgspec.Struct):
    """Whom an event is about: their email, or "", and what else the field `visit` has."""

    email: str
    rest: dict[str, Any]


def read_form(query: str, content_type: str, body: bytes) -> Form:
    """The fields of a request with this query, and of its body, whose `Content-Type` this is."""
    fields = read_query(query)
    if not body:
        return Form(fields)
    kind, parameters = parse_header_parameters(content_type)
    encoding = "windows-1252" if parameters.get("charset", "").lower() in _WESTERN else "utf-8"
    if kind in _URLENCODED:
        return Form(fields | read_nested(_decode_form(body, encoding)))
    if kind == _MULTIPART:
        try:
            return Form(fields | _read_multipart(content_type, body, encoding))
        except (MultiPartParserError, SuspiciousOperation):
            pass
    return Form(fields, is_readable=False)


def read_query(query: str) -> dict[str, Any]:
    """The fields in a query, whose bytes are the characters of `query`."""
    return read_nested(query.encode("latin-1", "replace").decode(errors="replace"))


def read_visit(form: Form) -> Visit:
    """What the field `visit` says: an object in JSON, or fields such as `visit[email]`.

    :raises InvalidActivity: if it cannot be read
    """
    visit = form.fields.get("visit")
    if isinstance(visit, list):
        visit = visit[-1] if visit else None
    if isinstance(visit, str) and visit:
        visit = _decode_visit(_without_second_escape(visit))
    rest = dict(visit) if isinstance(visit, dict) else {}
    return Visit(read_email(rest.pop("email", None)), rest)


def read_email(value: object) -> str:
    """The email that a client means by `value`, or ""."""
    return with_plus(_without_second_escape(value.strip())) if isinstance(value, str) else ""


def make_event(name: str, form: Form, visit: Visit, payload: bytes) -> Draft:
    """The draft of the event `name`. Its value is cut, as the format does, and kept in full."""
    eventdata = form.fields.get("eventdata")
    value = eventdata[:MAX_TEXT] if isinstance(eventdata, str) else ""
    properties: dict[str, Any] = {}
    if eventdata and value != eventdata:
        properties["eventdata"] = eventdata
    if visit.rest:
        properties["visit"] = visit.rest
    return Draft(
        type=code_name_for(name),
        value=value,
        properties=properties or None,
        frame=("eventdata", "visit"),
        moved={"eventdata": value} if value and not properties.get("eventdata") else {},
        texts_only=True,
        payload=payload,
    )


def make_page_visit(fields: dict[str, Any], payload: bytes) -> Draft:
    """The draft of the page visit that the query of a pixel tells of."""
    return Draft(
        type=SystemType.PAGE_VISIT.value,
        url=fields.get("u"),
        referrer=fields.get("r"),
        payload=payload,
    )


def _decode_form(body: bytes, encoding: str) -> str:
    """An urlencoded form whose escapes are those of UTF-8."""
    text = without_mark(body).decode(encoding, "replace")
    if encoding == "utf-8":
        return text
    return _ESCAPE_BEYOND_ASCII.sub(
        lambda escape: quote(bytes.fromhex(escape[1]).decode(encoding, "replace")), text
    )


def _read_multipart(content_type: str, body: bytes, encoding: str) -> dict[str, Any]:
    head = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    # Without a handler, files are read and thrown away.
    fields, _ = MultiPartParser(head, BytesIO(body), [], encoding).parse()
    return read_nested((name, value) for name, values in fields.lists() for value in values)


def _decode_visit(text: str) -> dict[str, Any]:
    try:
        body = text.encode(errors="replace")
        if len(body) <= SHORT:
            return decode_json(body, dict[str, Any])
        # What it has besides the email is stored as it is.
        return {
            name: decode_json(bytes(value)) if name == "email" else msgspec.Raw(compact(value))
            for name, value in decode_members(body).items()
        }
    except UNDECODABLE as error:
        what = explain(error)
        if text.startswith("[object "):
            what = "this is what JavaScript makes of one without JSON.stringify"
        detail = f"visit must be a JSON object: {what}."
        raise InvalidActivity("unreadable_visit", "visit", detail) from None


def _without_second_escape(text: str) -> str:
    """`text`, once more unescaped if its email still is not: some clients escape emails twice."""
    return unquote(text) if "@" not in text and "%40" in text else text
