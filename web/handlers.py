"""What Django calls for errors that no view answered: problems at doors, pages elsewhere."""

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string
from django.views import defaults

from web.middleware import is_door, request_id_of
from web.problems import Problem, as_problem, bad_request, respond, server_error


def handle_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for what it refuses itself, such as a host that is not ours."""
    if not is_door(request.path):
        return defaults.bad_request(request, exception)
    return _respond(bad_request(), request)


def handle_server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; 503 if it is the database that is away or does not keep up."""
    error = sys.exception()
    problem = as_problem(error) if error else None
    if problem and problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _come_again(problem, request)
    if not is_door(request.path):
        # Without context processors, which may ask what has failed.
        return HttpResponseServerError(render_to_string("500.html", {"request": request}))
    return _respond(server_error(), request)


def _come_again(problem: Problem, request: HttpRequest) -> HttpResponse:
    if is_door(request.path):
        response = _respond(problem, request)
    else:
        page = render_to_string("unavailable.html")
        response = HttpResponse(page, status=problem.status, headers=problem.headers)
    # The log has a line about it, and needs no traceback for everybody who was waiting.
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response


def _respond(problem: Problem, request: HttpRequest) -> HttpResponse:
    return respond(problem, request_id_of(request)).for_django()
