"""A user sets up an authenticator app and a passkey, and logs in with them, in a real browser."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth.models import User

from tests.browser.conftest import ARGUMENTS, CHROMIUM, MILLISECONDS
from tests.security.test_sso import sso

assert sso  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long password of mia"
DASHBOARD = re.compile("^http://[^/]+/admin/$")


@pytest.fixture
def page(playwright, live_server):
    """A page of a browser that has a passkey of its own, as a laptop with a fingerprint has."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    page = browser.new_page(base_url=live_server.url)
    page.set_default_timeout(MILLISECONDS)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    page.key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.devtools = devtools
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    browser.close()


def log_in(page):
    page.get_by_label("Username").fill("mia")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def log_out(page):
    page.goto("/admin/logout/")
    page.locator("#content").get_by_role("button", name="Log out").click()
    page.wait_for_url("**/admin/login/")


def test_second_factors_from_setting_up_to_logging_in(page):
    User.objects.create_superuser("mia", password=PASSWORD)
    page.goto("/admin/")
    log_in(page)
    page.wait_for_url(DASHBOARD)

    page.goto("/admin/two-factor/")
    page.get_by_role("link", name="Activate").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    secret = page.get_by_label("Authenticator secret").input_value()
    _, counter, _ = yield_hotp_counters_from_time()  # that of now: one before may end this moment
    page.get_by_label("Authenticator code").fill(format_hotp_value(hotp_value(secret, counter)))
    page.keyboard.press("Enter")
    page.wait_for_url("**/recovery-codes/")
    codes = page.get_by_label("Unused codes").input_value().split()
    assert len(codes) == 10

    page.goto("/admin/two-factor/webauthn/add/")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("/two-factor/(recovery-codes/)?$"))
    assert Authenticator.objects.filter(type="webauthn").count() == 1

    log_out(page)
    log_in(page)
    page.wait_for_url("**/two-factor/authenticate/")
    page.get_by_label("Code").fill(codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url(DASHBOARD)

    log_out(page)
    log_in(page)
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.wait_for_url(DASHBOARD)

    log_out(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url(DASHBOARD)
    assert page.errors == []


def test_a_passkey_that_does_not_answer_is_told(page):
    page.devtools.send("WebAuthn.removeVirtualAuthenticator", page.key)
    page.goto("/admin/login/")
    page.evaluate(
        "() => { navigator.credentials.get ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError')); }"
    )

    page.get_by_role("button", name="Log in with a passkey").click()

    alert = page.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "The key did not answer, or you cancelled. Try again."


def test_a_bare_address_says_that_passkeys_need_a_name(page, live_server):
    page.goto(live_server.url.replace("localhost", "127.0.0.1") + "/admin/login/")

    assert "Browsers refuse passkeys for a bare address" in page.locator("main").inner_text()


def test_single_sign_on_leads_to_the_login_server_and_back(sso, page):
    User.objects.create_superuser("mia", "mia@example.com")
    page.goto("/admin/")

    page.get_by_role("link", name="Log in with Company login").click()
    page.get_by_role("button", name="Continue").click()

    page.wait_for_url(DASHBOARD)
    assert page.errors == []
