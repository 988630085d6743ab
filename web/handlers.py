"""What Django calls for errors that no view answered: problems at doors, pages elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from web.middleware import is_door, request_id_of
from web.problems import Problem, bad_request, respond, server_error


def handle_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for what it refuses itself, such as a host that is not ours."""
    if not is_door(request.path):
        return defaults.bad_request(request, exception)
    return _respond(bad_request(), request)


def handle_server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    if not is_door(request.path):
        return defaults.server_error(request)
    return _respond(server_error(), request)


def _respond(problem: Problem, request: HttpRequest) -> HttpResponse:
    return respond(problem, request_id_of(request)).for_django()
