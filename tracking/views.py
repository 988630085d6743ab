"""The view that every door's views are made of."""

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from channels.models import ApiKey
from tracking.problems import Problem


class AlwaysJson(BaseContentNegotiation):
    """Whatever a client says that it accepts, the answer is the one documented."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class DoorView(APIView):
    """A view of a door: it respects the switches, before anything else, and knows its key."""

    content_negotiation_class = AlwaysJson
    door: str

    def initial(self, request: Request, *args, **kwargs) -> None:
        if not settings.TRACKING_API_ENABLED:
            raise Problem(404, "tracking_off", "The tracking API is switched off.")
        if settings.READ_ONLY and request.method not in SAFE_METHODS:
            raise Problem(
                503,
                "read_only",
                "The hub is read-only for the moment; try again later.",
                headers={"Retry-After": str(settings.READ_ONLY_RETRY_AFTER_SECONDS)},
            )
        super().initial(request, *args, **kwargs)

    @property
    def key(self) -> ApiKey:
        """The key of the caller."""
        return self.request.auth
