"""Emails as a mail program shows them, in a frame that cannot do anything."""

import re
from html import escape, unescape

from django.utils.html import format_html
from django.utils.safestring import SafeString

from automations.emails.links import BadToken, Purpose, read_token

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
# Links open pages of their own, which are as free as others.
_BASE = '<base target="_blank">'
_PIXEL = re.compile(r'<img src="[^"]*/email/o/([^"/]+)\.gif"[^>]*>')
_LINK = re.compile(r'href="[^"]*/email/(c|unsubscribe|preferences|confirm)/([^"/]+)"')


def framed_email(html: str) -> SafeString:
    """The HTML of an email in a frame without scripts, whose links open in new tabs."""
    found = _HEAD.search(html)
    place = found.end() if found else 0
    return format_html(
        '<iframe class="tl-frame tl-tall" title="The email" loading="lazy" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{}"></iframe>',
        f"{html[:place]}{_BASE}{html[place:]}",
    )


def without_doing(html: str) -> str:
    """The HTML of an email that may be looked at without doing anything as the contact.

    It has no picture that counts an open, its links lead on without counting a click, and those
    where the contact takes back or confirms something lead nowhere.
    """
    return _LINK.sub(_as_seen, _PIXEL.sub(_without_pixel, html))


def _without_pixel(found: re.Match[str]) -> str:
    return "" if _target(Purpose.OPEN, found[1]) is not None else found[0]


def _as_seen(found: re.Match[str]) -> str:
    purpose = Purpose(found[1])
    target = _target(purpose, found[2])
    if target is None:
        return found[0]
    if purpose is Purpose.CLICK:
        return f'href="{escape(target)}"'
    return 'title="A page of the contact alone"'


def _target(purpose: Purpose, token: str) -> str | None:
    """Where the link leads that has a token; None if the hub has not made that."""
    try:
        return read_token(purpose, unescape(token)).detail
    except BadToken:
        return None
