"""What pages and sources are called: short names without personal data."""

import re
from urllib.parse import parse_qs, urlsplit

# What people did on the page is of no interest here, and neither who they are.
LONGEST = 200
LEFT_OUT = "…"

_PERSONAL = re.compile(
    r"[^/]*@[^/]*"  # an email
    r"|[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"  # a GUID
    r"|[^/]*%40[^/]*"  # an email, escaped
    r"|\d{7,}"  # a phone, an id
    r"|[0-9a-f]{32,}",  # a hash
    re.IGNORECASE,
)
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def page_of(url: str) -> str:
    """Host and path of a page, without what tells one person from another; "" if there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2].lower()
    path = _PERSONAL.sub(LEFT_OUT, _INVISIBLE.sub("", parts.path)).rstrip("/")
    return f"{host}{path}"[:LONGEST]


def referrer_of(url: str, referrer: str) -> str:
    """The host of the other website that led here; "" if none did."""
    host = host_of(referrer)
    return "" if host == host_of(url) else host


def host_of(url: str) -> str:
    """The host of a URL, with its port; "" if there is none."""
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        return ""
    return _INVISIBLE.sub("", netloc.rpartition("@")[2]).lower()[:LONGEST]


def campaign_of(url: str) -> str:
    """`utm_source`, and after a slash `utm_campaign`; "" without a source."""
    if "utm_source=" not in url:
        return ""
    try:
        given = parse_qs(urlsplit(url).query, max_num_fields=100)
    except ValueError:
        return ""
    source, campaign = (_word(given, name) for name in ("utm_source", "utm_campaign"))
    return f"{source} / {campaign}" if source and campaign else source


def _word(given: dict[str, list[str]], name: str) -> str:
    text = _INVISIBLE.sub("", given.get(name, [""])[0]).replace(" / ", " ").strip()
    return _PERSONAL.sub(LEFT_OUT, text)[: LONGEST // 2]
