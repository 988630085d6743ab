"""The view that those of the ActiveCampaign-format API are made of."""

from http import HTTPStatus

from django.http import HttpResponse
from rest_framework.request import Request

from activities.problems import InvalidActivity
from channels.models import ApiKey
from contacts.models import Contact
from contacts.resolving import get_live_contact
from tracking.activecampaign.api.authentication import ApiTokenAuthentication
from tracking.activecampaign.api.reading import read_id
from tracking.activecampaign.api.rendering import Answer
from tracking.activecampaign.rates import count_request
from tracking.views import DoorView
from web.problems import Problem


class ApiView(DoorView):
    """A view of the API. What it answers is always JSON, errors included."""

    authentication_classes = [ApiTokenAuthentication]
    door = "activecampaign-api"
    kept_methods = ("POST", "PUT")

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        count_request(self.key.channel)

    def keep(self, problem: Problem | InvalidActivity) -> None:
        # Nothing here is an activity that was lost, and who has a key is told what was wrong.
        if not isinstance(getattr(self.request._request, "auth", None), ApiKey):
            super().keep(problem)

    def respond(self, problem: Problem) -> HttpResponse:
        return Answer(_as_body(problem), status=problem.status, headers=problem.headers)

    @property
    def root(self) -> str:
        """What the links of an answer begin with."""
        return self.request.build_absolute_uri("/api/3")

    def find_contact(self, given_id: str) -> Contact:
        """The live contact that the one with this id has become.

        :raises Problem: 404, if there is none
        """
        contact_id = read_id(given_id)
        try:
            if contact_id is not None:
                return get_live_contact(contact_id)
        except Contact.DoesNotExist:
            pass
        raise no_result("Subscriber", given_id)


class UnknownEndpointView(ApiView):
    """Whatever else is asked for below /api/3."""

    schema = None

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        raise Problem(404, "unknown_endpoint", "The API has no such endpoint.")


def no_result(model: str, given_id: str) -> Problem:
    """There is nothing with this id; `model` is what the original calls it inside."""
    return Problem(404, "no_result", f"No Result found for {model} with id {given_id[:100]}")


def _as_body(problem: Problem) -> dict:
    if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        error = {
            "title": str(problem.detail),
            "detail": "",
            "code": problem.code,
            "source": {"pointer": f"/data/attributes/{problem.field}"},
        }
        return {"errors": [error]}
    if problem.status == HTTPStatus.FORBIDDEN:
        return {"message": HTTPStatus.FORBIDDEN.phrase}
    return {"message": str(problem.detail)}
