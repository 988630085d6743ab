"""What everybody knows, the demo's login and the public SECRET_KEY, is for this machine alone."""

import re
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured

from config.demo.loading import LOGIN, PASSWORD, known_logins
from config.publishing import is_loopback, refuse_to_publish, refuse_to_publish_the_demo
from tests.config.hub import ROOT, clean_environment, manage

SECRET = "a-secret-key-of-this-hub-that-nobody-else-knows"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hub.example.com"])
def test_the_secret_key_of_development_is_served_on_loopback_only(settings, host):
    settings.HOST = host

    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY from development"):
        refuse_to_publish()
    settings.SECRET_KEY = SECRET
    refuse_to_publish()
    settings.DEMO = True
    with pytest.raises(ImproperlyConfigured, match="demo's login"):
        refuse_to_publish()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_may_use_what_everybody_knows(settings, host):
    settings.HOST = host
    assert is_loopback(host)
    refuse_to_publish()


@pytest.mark.django_db
def test_the_demos_login_is_served_on_loopback_only(settings):
    user = User.objects.create_superuser(LOGIN, password=PASSWORD)
    settings.HOST = "0.0.0.0"

    with pytest.raises(ImproperlyConfigured, match="changepassword demo"):
        refuse_to_publish_the_demo()
    settings.HOST = "127.0.0.1"
    refuse_to_publish_the_demo()

    settings.HOST = "0.0.0.0"
    user.set_password("another")
    user.save()
    refuse_to_publish_the_demo()
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.set_password(PASSWORD)
    refuse_to_publish_the_demo()


@pytest.mark.django_db
@pytest.mark.parametrize("name", known_logins())
def test_each_login_of_the_demo_is_served_on_loopback_only(settings, name):
    User.objects.create_user(name, password=known_logins()[name])
    settings.HOST = "0.0.0.0"

    with pytest.raises(ImproperlyConfigured, match=f"changepassword {name}"):
        refuse_to_publish_the_demo()


def test_serve_refuses_other_machines_without_the_demo_too(tmp_path):
    refused = manage(tmp_path, "serve", HOST="0.0.0.0")

    assert refused.returncode == 1
    assert "SECRET_KEY from development" in refused.stderr


def test_a_web_process_refuses_other_machines(tmp_path):
    refused = subprocess.run(
        [sys.executable, "-m", "config.web"],
        cwd=ROOT,
        env=clean_environment(tmp_path, HOST="0.0.0.0", PORT="0"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert refused.returncode == 1
    assert re.search("ImproperlyConfigured: The SECRET_KEY from development", refused.stderr)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "0:8000", "[::]:8000"])
def test_the_server_for_development_is_for_this_machine_alone(tmp_path, address):
    done = manage(tmp_path / "hub", "runserver", address, "--noreload")

    assert done.returncode == 1
    assert "The SECRET_KEY from development is known to everybody" in done.stderr
    assert "Traceback" not in done.stderr
