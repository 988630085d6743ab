"""The first page of the admin: it says how to make the first user while there is none."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.terminal import manage


def login(request: HttpRequest) -> HttpResponseBase:
    """The admin's login; without any user, with the command that makes one in a terminal.

    Nothing on the page makes a user: it is open to strangers.
    """
    return admin.site.login(request, {"first_user_command": _first_user_command()})


def _first_user_command() -> str:
    if User.objects.exists():
        return ""
    # In production strangers do not learn where the hub is installed.
    is_public = settings.PRODUCTION
    return "python manage.py createsuperuser" if is_public else manage("createsuperuser")
