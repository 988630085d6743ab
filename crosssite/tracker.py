"""The tracker's file: under two stable addresses, which lead to one that never changes."""

import hashlib
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

_FILE = Path(__file__).parent / "static" / "crosssite" / "tracker.js"
_A_YEAR = "public, max-age=31536000, immutable"
_FIVE_MINUTES = "public, max-age=300"


@cache
def tracker_source() -> tuple[bytes, str]:
    """The tracker, and the part of its address that changes when it does."""
    source = _FILE.read_bytes()
    return source, hashlib.sha256(source).hexdigest()[:16]


@require_safe
def stable_address(request: HttpRequest) -> HttpResponse:
    """Lead to the versioned address of the tracker."""
    _, version = tracker_source()
    folder = request.path.rpartition("/")[0]
    response = HttpResponseRedirect(f"{folder}/{version}.js")
    response["Cache-Control"] = _FIVE_MINUTES
    return response


@require_safe
def versioned_address(request: HttpRequest, version: str) -> HttpResponse:
    """The tracker itself, for as long as browsers want to keep it."""
    source, current = tracker_source()
    etag = f'"{current}"'
    is_current = version == current
    response = HttpResponse(
        source,
        content_type="text/javascript; charset=utf-8",
        headers={
            "ETag": etag,
            # A page may still ask for an older version: it gets this one, and does not keep it.
            "Cache-Control": _A_YEAR if is_current else _FIVE_MINUTES,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
        },
    )
    if not is_current:
        return response
    return get_conditional_response(request, etag, response=response) or response
