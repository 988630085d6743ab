"""Logging in by OpenID Connect: off by default, and for users that exist."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
SSO = "/admin/oidc/sso/login/"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self):
        url = f"http://localhost:{self.server.server_port}"
        path, _, query = self.path.partition("?")
        if path == "/authorize":
            asked = parse_qs(query)
            self._redirect(f"{asked['redirect_uri'][0]}?code=c&state={asked['state'][0]}")
            return
        body = {
            "/.well-known/openid-configuration": {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "userinfo_endpoint": f"{url}/userinfo",
                "jwks_uri": f"{url}/keys",
            },
            "/token": {"access_token": "a-token", "token_type": "Bearer"},
            "/userinfo": self.server.person,
        }[path]
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _redirect(self, url):
        self.send_response(302)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def sso(settings):
    """An OpenID Connect server that says who `person` is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.person = {"sub": "7", "email": "mia@example.com", "email_verified": True}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    set_up(settings, server.server_port)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def set_up(settings, port):
    app = {
        "provider_id": "sso",
        "name": "Company login",
        "client_id": "hub",
        "secret": "secret",
        "settings": {"server_url": f"http://localhost:{port}"},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }


def log_in(client):
    asked = urlsplit(client.post(SSO).headers["Location"])
    assert asked.path == "/authorize"
    asked = parse_qs(asked.query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"http://testserver{SSO}callback/"]
    return client.get(f"{SSO}callback/", {"code": "c", "state": asked["state"][0]}, follow=True)


def test_without_its_settings_there_is_none(client):
    assert "Log in with" not in client.get(LOGIN).text.replace("Log in with a passkey", "")
    assert client.post(SSO).status_code == 404
    assert client.get(f"{SSO}callback/?code=c&state=s").status_code == 404


def test_a_user_with_the_verified_email_gets_in(sso, client):
    mia = User.objects.create_superuser("mia", "Mia@example.com", "a long password")

    page = client.get(LOGIN)
    answer = log_in(client)

    assert f'href="{SSO}?process=login"' in page.text
    assert "Log in with Company login" in page.text
    assert answer.request["PATH_INFO"] == "/admin/"
    assert client.session["_auth_user_id"] == str(mia.pk)
    mia.refresh_from_db()
    assert mia.check_password("a long password")


def test_only_the_page_that_leads_to_the_server_may_send_its_form_there(sso, client):
    def form_action(path):
        policy = client.get(path).headers["Content-Security-Policy"]
        return policy.partition("form-action ")[2].partition(";")[0]

    server = f"http://localhost:{sso.server_port}"
    assert form_action(SSO) == f"'self' {server}"
    assert form_action(LOGIN) == form_action("/admin/password_reset/") == "'self'"


def test_an_email_that_was_given_to_another_user_leads_to_that_one(sso, client):
    ben = User.objects.create_superuser("ben", "mia@example.com")
    log_in(client)
    User.objects.filter(pk=ben.pk).update(email="ben@example.com")
    mia = User.objects.create_superuser("mia", "mia@example.com")
    client.logout()
    sso.person["sub"] = "8"

    log_in(client)

    assert client.session["_auth_user_id"] == str(mia.pk)


def test_a_second_factor_is_asked_for_after_sso_as_well(sso, client):
    mia = User.objects.create_superuser("mia", "mia@example.com")
    TOTP.activate(mia, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")

    answer = log_in(client)

    assert answer.request["PATH_INFO"] == "/admin/two-factor/authenticate/"
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("person", "users"),
    [
        pytest.param({"email_verified": False}, ["mia"], id="not-verified"),
        pytest.param({"email": "eve@example.com"}, ["mia"], id="unknown"),
        pytest.param({"email": None}, ["mia"], id="no-email"),
        pytest.param({}, ["mia", "mia2"], id="two-users"),
    ],
)
def test_nobody_else_gets_in_or_is_made_a_user(sso, client, person, users):
    for name in users:
        User.objects.create_superuser(name, "mia@example.com")
    sso.person |= person

    answer = log_in(client)

    assert "No such user" in answer.text
    assert "unfold/css/styles.css" in answer.text
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == len(users)


def test_a_user_who_is_not_staff_is_told(sso, client):
    User.objects.create_user("mia", "mia@example.com")

    answer = log_in(client)

    assert answer.request["PATH_INFO"] == LOGIN
    assert "This user may not use the admin." in answer.text
    assert "_auth_user_id" not in client.session


def test_a_user_who_is_not_active_is_told(sso, client):
    User.objects.create_user("mia", "mia@example.com", is_active=False, is_staff=True)

    answer = log_in(client)

    assert "This user is not active" in answer.text
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("query", ["", "?code=c", "?code=c&state=forged", "?error=access_denied"])
def test_a_callback_that_was_not_asked_for_lets_nobody_in(sso, client, query):
    User.objects.create_superuser("mia", "mia@example.com")

    answer = client.get(f"{SSO}callback/{query}", follow=True)

    assert answer.status_code < 500
    assert "_auth_user_id" not in client.session


def test_a_server_that_is_away_is_an_error_of_the_page_only(settings, client):
    set_up(settings, 9)

    answer = client.post(SSO, follow=True)

    assert answer.status_code == 502
    assert "The login server did not answer as it should" in answer.text
    assert "unfold/css/styles.css" in answer.text
