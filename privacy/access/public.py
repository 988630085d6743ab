"""The page behind the link that a person gets: it says what the file is, and gives it.

The token in the address is the only credential. A GET gives no file and counts nothing, because
mail servers open links to look for malware. No other website that knows the address has anything
from a POST, so it needs no CSRF token.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from privacy.access.downloading import HEADERS, FileGone, download
from privacy.access.links import BadLink, EndedLink, file_of
from privacy.models.disclosures import AccessFile


@method_decorator(csrf_exempt, name="dispatch")
class FilePage(View):
    """What a person finds at the link: a page with a button, which downloads the file."""

    http_method_names = ("get", "head", "post", "options")
    file: AccessFile

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.file = file_of(kwargs.pop("token"))
            response = super().dispatch(request, *args, **kwargs)
        except BadLink:
            response = _page("privacy/link_unknown.html", HTTPStatus.NOT_FOUND)
        except (EndedLink, FileGone):
            response = _page("privacy/link_ended.html", HTTPStatus.GONE)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        """What the file is, and until when it can be downloaded."""
        return _page("privacy/link.html", HTTPStatus.OK, file=self.file)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The file."""
        return download(self.file, by_link=True)


def _page(template: str, status: HTTPStatus, **context: Any) -> HttpResponse:
    # Without the request: what other pages know of it, such as the user, is not for these.
    return HttpResponse(render_to_string(template, context), status=status)
