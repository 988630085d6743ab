"""What everybody knows of a hub is no secret: such a hub is for this machine alone."""

import ipaddress
from contextlib import suppress

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError

from config.demo.loading import LOGIN, PASSWORD


def refuse_to_publish() -> None:
    """Do nothing if only this machine reaches HOST, or the SECRET_KEY of the hub is its own.

    :raises ImproperlyConfigured: with what to do
    """
    if is_loopback(settings.HOST):
        return
    if settings.DEMO:
        raise ImproperlyConfigured(
            f"The demo's login is known to everybody, so it is not served on {settings.HOST}. "
            "Leave HOST out (127.0.0.1), or start without the demo: python manage.py serve"
        )
    if settings.SECRET_KEY == settings.DEVELOPMENT_SECRET_KEY:
        raise ImproperlyConfigured(
            "The SECRET_KEY from development is known to everybody and signs logins, so the hub is "
            f"not served on {settings.HOST} with it. Leave HOST out (127.0.0.1), or set SECRET_KEY "
            "to a long random value, for example the output of: "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )


def refuse_to_publish_the_demo() -> None:
    """Do nothing if only this machine reaches HOST, or the demo's login opens nothing.

    It asks the database, where the login stays when the hub is started without the demo.

    :raises ImproperlyConfigured: with what to do
    """
    if not is_loopback(settings.HOST) and _demo_login_works():
        raise ImproperlyConfigured(
            "This hub has the demo's login, which is known to everybody, so it is not served on "
            f"{settings.HOST}. Change its password (python manage.py changepassword {LOGIN}), or "
            "leave HOST out (127.0.0.1)."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _demo_login_works() -> bool:
    try:
        user = User.objects.filter(username=LOGIN, is_active=True).first()
    except ProgrammingError:  # nothing was migrated yet, so there are no logins
        return False
    return user is not None and user.check_password(PASSWORD)
