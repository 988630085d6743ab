"""Exchanges behind Django: the same answers, in a thread and after Django's middleware."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from web.exchanges import Exchange, finish_answer
from web.requests import Request


def respond_to(request: HttpRequest, exchange: type[Exchange]) -> HttpResponse:
    """What the hub answers to `request`."""
    try:
        body = request.body
    except RequestDataTooBig:
        # Enough to refuse it.
        body = request.read(settings.MAX_BODY_BYTES + 1)
    return finish_answer(exchange(Request.of_django(request, body))).for_django()


def view_of(exchange: type[Exchange]):
    """A view that takes POST, for what has no place in the OpenAPI document."""

    class ExchangeView(View):
        def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
            return respond_to(request, exchange)

    return csrf_exempt(ExchangeView.as_view())
