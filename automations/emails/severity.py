"""What it says about an address that a mail server refuses an email, or sends it back."""

import re

from automations.models import EmailEvent

Severity = EmailEvent.Severity

# The codes of RFC 3463 behind the class, such as 1.1 of 5.1.1.
_TOO_LARGE = ("2.3", "3.4")
_FOR_NOW = ("2.2", "4.1", "4.5", "4.7")
# System, protocol, contents and policy: no other email need come back.
_NOT_THE_ADDRESS = ("3", "5", "6", "7")
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?![\d.])")
_ADDRESS = re.compile(r"[^\s<>:;,()\[\]\"']+@[^\s<>:;,()\[\]\"']+")
_LONGEST = 400


def severity_of(code: str) -> Severity:
    """How bad the code of RFC 3463 is, such as `5.1.1`."""
    kind, _, detail = code.partition(".")
    if detail in _TOO_LARGE:
        return Severity.OTHER
    is_for_now = kind != "5" or detail in _FOR_NOW
    if is_for_now or detail.partition(".")[0] in _NOT_THE_ADDRESS:
        return Severity.SOFT
    return Severity.HARD


def enhanced_code(text: str) -> str:
    """The first code of RFC 3463 in what a mail server said, or ""."""
    found = _ENHANCED.search(text)
    return found[0] if found else ""


def without_addresses(text: str) -> str:
    """What a mail server said, in one line, without the address that it was about."""
    return _ADDRESS.sub("…", " ".join(text.replace("\0", "").split()))[:_LONGEST]
