"""What everybody knows of a hub is no secret: such a hub is for this machine alone."""

import ipaddress
from contextlib import suppress

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError

from config.demo.loading import known_logins


def refuse_to_publish(host: str | None = None) -> None:
    """Do nothing if only this machine reaches `host`, or the SECRET_KEY of the hub is its own.

    It is HOST, unless another is given.

    :raises ImproperlyConfigured: with what to do
    """
    host = host or settings.HOST
    if is_loopback(host):
        return
    if settings.DEMO:
        raise ImproperlyConfigured(
            f"The demo's logins are known to everybody, so it is not served on {host}. "
            "Leave HOST out (127.0.0.1), or start without the demo: python manage.py serve"
        )
    if settings.SECRET_KEY == settings.DEVELOPMENT_SECRET_KEY:
        raise ImproperlyConfigured(
            "The SECRET_KEY from development is known to everybody and signs logins, so the hub is "
            f"not served on {host} with it. Leave HOST out (127.0.0.1), or set SECRET_KEY "
            "to a long random value, for example the output of: "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )


def refuse_to_publish_the_demo(host: str | None = None) -> None:
    """Do nothing if only this machine reaches `host`, or the demo's logins open nothing.

    It is HOST, unless another is given. It asks the database, where the logins stay when the hub
    is started without the demo.

    :raises ImproperlyConfigured: with what to do
    """
    host = host or settings.HOST
    if not is_loopback(host) and (working := _demo_logins_that_work()):
        commands = "; ".join(f"python manage.py changepassword {name}" for name in working)
        raise ImproperlyConfigured(
            "This hub has logins of the demo, which are known to everybody, so it is not served on "
            f"{host}. Change their passwords ({commands}), or leave HOST out (127.0.0.1)."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _demo_logins_that_work() -> list[str]:
    logins = known_logins()
    try:
        users = list(User.objects.filter(username__in=logins, is_active=True).order_by("pk"))
    except ProgrammingError:  # nothing was migrated yet, so there are no logins
        return []
    return [one.username for one in users if one.check_password(logins[one.username])]
