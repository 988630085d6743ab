"""In production, pages are for HTTPS; health checks and what records are answered all the same."""

import json
import subprocess
import sys

import pytest

from tests.config.hub import ROOT, clean_environment
from tests.factories import make_channel

HUB = "hub.example.com"
PRODUCTION = {
    "PRODUCTION": "True",
    "SECRET_KEY": "a-secret-key-of-this-hub-that-nobody-else-knows",
}
NAMES = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_SECURE")


def settings_with(tmp_path, **environment):
    code = (
        "import json; from config import settings as s;"
        f"print(json.dumps([getattr(s, name) for name in {NAMES!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean_environment(tmp_path, **environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_production_behind_a_proxy_is_for_https(tmp_path):
    behind_proxy = {**PRODUCTION, "TRUST_FORWARDED_PROTO": "True"}

    assert settings_with(tmp_path, **behind_proxy) == [True, 31_536_000, True]
    # Else every request seems to come by HTTP, and would be sent in circles.
    assert settings_with(tmp_path, **PRODUCTION) == [False, 31_536_000, True]
    off = {"SSL_REDIRECT": "False", "HSTS_SECONDS": "0"}
    assert settings_with(tmp_path, **behind_proxy, **off) == [False, 0, True]
    assert settings_with(tmp_path) == [False, 0, False]


@pytest.fixture
def production(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.HUB_HOSTS = [HUB]


@pytest.mark.django_db
def test_pages_lead_to_https(production, client):
    response = client.get("/admin/login/?next=/admin/", headers={"host": HUB})

    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{HUB}/admin/login/?next=/admin/"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_told_by_plain_http(production, client, path):
    assert client.get(path, headers={"host": HUB}).status_code != 301


@pytest.mark.django_db
def test_browsers_are_bound_to_https_on_the_hosts_of_the_hub_only(production, client):
    make_channel(kind="website", domain="www.example.com")
    over_tls = {"x-forwarded-proto": "https"}

    hub = client.get("/admin/login/", headers={"host": HUB, **over_tls})
    website = client.get("/admin/login/", headers={"host": "www.example.com", **over_tls})

    assert hub.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in website.headers
