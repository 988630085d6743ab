"""The login pages that are not allauth's own."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.account.views import LoginView as AllauthLoginView
from allauth.account.views import PasswordResetView as AllauthPasswordResetView
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.shortcuts import render
from requests import RequestException

from config.logins.limits import (
    RESETS_OF_ADDRESS,
    RESETS_OF_EMAIL,
    Limit,
    address_of,
)
from config.terminal import manage

_log = logging.getLogger(__name__)

_NAMES = ("account_", "mfa_", "socialaccount_", "openid_connect_")


def admin_context(request: HttpRequest) -> dict[str, Any]:
    """What Unfold's templates need, for the login pages: the admin's own views have it."""
    match = request.resolver_match
    if match is None or not (match.url_name or "").startswith(_NAMES):
        return {}
    return admin.site.each_context(request)


def limited(limit: Limit, view: Callable[..., HttpResponseBase]) -> Callable:
    """`view`, with a limit of how many forms one address may send."""

    def limited_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not limit.allows(address_of(request)):
            return too_many(request)
        return view(request, *args, **kwargs)

    return limited_view


def too_many(request: HttpRequest) -> HttpResponse:
    """The page that says that there were too many requests."""
    return render(request, "account/too_many.html", status=429)


def told_if_away(view: Callable[..., HttpResponseBase]) -> Callable:
    """`view` of single sign-on, with a page that says so if its server does not answer."""

    def view_that_tells(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (RequestException, KeyError) as error:
            _log.error("OIDC_SERVER_URL does not answer as it should: %s", type(error).__name__)
            return render(request, "socialaccount/authentication_error.html", status=502)

    return view_that_tells


def leads_to_login_server(view: Callable[..., HttpResponseBase]) -> Callable:
    """`view`, whose form may lead to the login server: browsers apply the policy to redirects."""

    def view_that_leads(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        policy = {"form-action": _login_server_origins()}
        return csp_update(policy)(view)(request, *args, **kwargs)

    return view_that_leads


def _login_server_origins() -> list[str]:
    apps = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", [])
    return [_origin_of(app["settings"]["server_url"]) for app in apps]


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class LoginView(AllauthLoginView):
    """Name and password, a passkey, or SSO; without any user, how to make the first one.

    Nothing on the page makes a user: it is open to strangers.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(first_user_command=_first_user_command(), **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, AnonymousUser) and not user.is_staff:
            # The admin leads such a user here, and this page would lead back.
            logout(request)
        return super().dispatch(request, *args, **kwargs)


class PasswordResetView(AllauthPasswordResetView):
    """Ask for an email with a link; without a mail server the page says what to do instead."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # The link in the email leads to the host of this request: to the hub, not to a website.
        name, _ = split_domain_port(request.get_host().lower())
        if not validate_host(name, settings.HUB_HOSTS):
            raise Http404("Passwords are reset on the hosts of the hub.")
        if not settings.HAS_MAIL_SERVER:
            return render(request, "account/password_reset_without_mail.html")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        if not (
            RESETS_OF_ADDRESS.allows(address_of(self.request))
            and RESETS_OF_EMAIL.allows(form.cleaned_data["email"].lower())
        ):
            return too_many(self.request)
        return super().form_valid(form)


def _first_user_command() -> str:
    if User.objects.exists():
        return ""
    # In production strangers do not learn where the hub is installed.
    is_public = settings.PRODUCTION
    return "python manage.py createsuperuser" if is_public else manage("createsuperuser")
