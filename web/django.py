"""Exchanges behind Django: the same answers, in a thread and after Django's middleware."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from web.exchanges import Exchange, finish_answer
from web.problems import Problem, unreadable
from web.requests import Request

# The member of an ASGI scope that says why a body could not be read.
OBSTACLE = "throughline.obstacle"


def respond_to(request: HttpRequest, exchange: type[Exchange]) -> HttpResponse:
    """What the hub answers to `request`."""
    obstacle = obstacle_of(request)
    try:
        body = request.body
    except RequestDataTooBig:
        # Enough to refuse it.
        body = request.read(settings.MAX_BODY_BYTES + 1)
    except UnreadablePostError:
        body, obstacle = b"", unreadable()
    return finish_answer(exchange(Request.of_django(request, body, obstacle))).for_django()


def obstacle_of(request: HttpRequest) -> Problem | None:
    """Why the server could not read the body of `request`, or None."""
    return getattr(request, "scope", {}).get(OBSTACLE)


def view_of(exchange: type[Exchange]):
    """A view that takes POST, for what has no place in the OpenAPI document."""

    class ExchangeView(View):
        def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
            return respond_to(request, exchange)

    return csrf_exempt(ExchangeView.as_view())
