"""The pages of logins, under /admin/: sign-up and the management of emails are not among them."""

from allauth.account import views
from allauth.mfa.webauthn.views import login_webauthn
from allauth.socialaccount import views as sso
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import URLPattern, URLResolver, include, path, re_path

from config.logins.limits import NEW_PASSWORDS_OF_ADDRESS, PASSKEYS_OF_ADDRESS
from config.logins.views import (
    LoginView,
    PasswordResetView,
    leads_to_login_server,
    limited,
    told_if_away,
)
from config.logins.zone_page import time_zone

urlpatterns: list[URLPattern | URLResolver] = [
    # The first three replace pages of Django's admin: its links lead here.
    path("login/", LoginView.as_view(), name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("password_change/", views.password_change, name="account_change_password"),
    path("password_set/", views.password_set, name="account_set_password"),
    path("password_reset/", PasswordResetView.as_view(), name="account_reset_password"),
    path("password_reset/done/", views.password_reset_done, name="account_reset_password_done"),
    path(
        "password_reset/changed/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password_reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        limited(NEW_PASSWORDS_OF_ADDRESS, views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("time-zone/", time_zone, name="account_time_zone"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path(
        "two-factor/webauthn/login/",
        limited(PASSKEYS_OF_ADDRESS, login_webauthn),
        name="mfa_login_webauthn",
    ),
    path("two-factor/", include("allauth.mfa.urls")),
    # Without the settings of OpenID Connect there is no provider: 404.
    path(
        "oidc/<provider_id>/login/",
        leads_to_login_server(told_if_away(oidc.login)),
        name="openid_connect_login",
    ),
    path(
        "oidc/<provider_id>/login/callback/",
        told_if_away(oidc.callback),
        name="openid_connect_callback",
    ),
    path("sso/cancelled/", sso.login_cancelled, name="socialaccount_login_cancelled"),
    path("sso/error/", sso.login_error, name="socialaccount_login_error"),
    path("sso/unknown/", sso.signup, name="socialaccount_signup"),
]
