"""Logging in: who gets in, how often it may be tried, and what the pages are made of."""

import functools
import queue
import re
import time
from unittest import mock

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.logins import limits
from tests.security.logins import LOGIN, NEW_PASSWORD, PASSWORD, SECRET, is_in, log_in
from tests.threads import run_at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("within_one_piece_of_time")]


@pytest.fixture
def hashes():
    """Every password that is hashed, to check it or only to take as long."""
    made = []
    hasher = type(hashers.get_hasher())
    encode = hasher.encode

    def count(self, password, salt):
        made.append(password)
        return encode(self, password, salt)

    with mock.patch.object(hasher, "encode", count):
        yield made


def test_a_password_leads_to_the_page_that_was_asked_for(mia, client):
    asked = client.get("/admin/contacts/contact/")

    answer = log_in(client=client, next="/admin/contacts/contact/")

    assert asked.headers["Location"] == f"{LOGIN}?next=/admin/contacts/contact/"
    assert answer.headers["Location"] == "/admin/contacts/contact/"
    assert is_in(answer)


def test_a_login_does_not_lead_to_another_website(mia):
    assert log_in(next="https://evil.example/").headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    "user",
    [
        pytest.param({"is_staff": False}, id="not-staff"),
        pytest.param({"is_active": False, "is_staff": True}, id="not-active"),
    ],
)
def test_who_may_not_use_the_admin_is_answered_as_a_wrong_password(user):
    User.objects.create_user("ben", password=PASSWORD, **user)

    refused, wrong, unknown = log_in("ben"), log_in("ben", "wrong"), log_in("no-one")

    assert not is_in(refused)
    message = "The username and/or password you specified are not correct."
    assert [message in answer.text for answer in (refused, wrong, unknown)] == [True] * 3


def test_a_user_that_is_no_longer_staff_is_logged_out_at_the_login(mia, client):
    client.force_login(mia)
    User.objects.update(is_staff=False)

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == LOGIN
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("name", ["mia", "no-one"])
def test_a_wrong_password_costs_one_hash_whether_the_name_is_known_or_not(mia, hashes, name):
    log_in(name, "wrong")

    assert hashes == ["wrong"]


def test_after_five_wrong_passwords_no_more_hashes_are_made(mia, hashes):
    answers = [log_in(password="wrong") for _ in range(60)]

    assert len(hashes) == limits.ATTEMPTS_OF_NAME_AND_ADDRESS.count == 5
    assert "Too many attempts to log in." in answers[5].text
    assert not is_in(log_in())  # the right one, too: it would tell
    assert len(hashes) == 5


def test_one_address_that_guesses_locks_out_neither_others_nor_the_user_elsewhere(mia):
    User.objects.create_superuser("ben", password=PASSWORD)
    for _ in range(60):
        log_in(password="wrong")

    assert is_in(log_in("ben"))
    assert is_in(log_in("mia", address="198.51.100.7"))


def test_an_address_that_tries_many_names_is_stopped(mia, hashes):
    for number in range(60):
        log_in(f"user-{number}", "wrong")

    assert len(hashes) == limits.ATTEMPTS_OF_ADDRESS.count
    assert is_in(log_in(address="198.51.100.7"))


def test_many_addresses_that_try_one_name_are_stopped(mia, hashes):
    for number in range(60):
        log_in(password="wrong", address=f"203.0.113.{number}")

    assert len(hashes) == limits.ATTEMPTS_OF_NAME.count


def test_the_network_of_an_ipv6_address_counts_as_one(mia, hashes):
    for number in range(10):
        log_in(password="wrong", address=f"2001:db8::{number:x}")

    assert len(hashes) == limits.ATTEMPTS_OF_NAME_AND_ADDRESS.count


def test_forwarded_addresses_count_only_behind_a_proxy(mia, hashes, settings):
    def guess(number):
        Client().post(
            LOGIN,
            {"username": "mia", "password": "wrong"},
            REMOTE_ADDR="203.0.113.1",
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
        )

    for number in range(10):
        guess(number)
    assert len(hashes) == 5

    settings.PROXY_COUNT = 1
    for number in range(10):
        guess(number)
    assert len(hashes) == 15


@pytest.mark.django_db(transaction=True)
def test_many_guessers_at_once_get_no_more_hashes(mia, hashes):
    """None of them slips in between counting and comparing; one hash is made at a time."""
    seconds = limits.ATTEMPTS_OF_NAME_AND_ADDRESS.seconds
    if (left := seconds - time.time() % seconds) < 10:
        # Each piece of time is counted by itself.
        time.sleep(left)
    run_at_once(*[lambda: log_in(password="wrong")] * 32)

    assert len(hashes) <= limits.ATTEMPTS_OF_NAME_AND_ADDRESS.count


@pytest.mark.django_db(transaction=True)
def test_a_process_makes_one_hash_at_a_time_and_few_requests_wait(mia):
    busy = queue.Queue()

    def guess(number):
        text = log_in(f"user-{number}", address=f"203.0.113.{number}").text
        if "Too many users are logging in just now" in text:
            busy.put(number)
        return text

    def let_them_hash_when_all_others_are_answered():
        try:
            for _ in range(8):
                busy.get(timeout=30)
        finally:
            limits._HASHING.release()

    limits._HASHING.acquire()
    run_at_once(
        let_them_hash_when_all_others_are_answered,
        *(functools.partial(guess, number) for number in range(12)),
    )

    assert busy.empty()  # four waited, and were answered


def test_passwords_have_rules(mia, client):
    client.force_login(mia)

    def change(new, old=PASSWORD):
        return client.post(
            reverse("admin:password_change"),
            {"oldpassword": old, "password1": new, "password2": new},
        )

    page = change("1234567890")
    assert "too common" in page.text
    assert "entirely numeric" in page.text
    assert "at least 10 characters" in change("short").text
    assert "too similar" in change("mia@example.com").text
    assert change(NEW_PASSWORD).headers["Location"] == "/admin/"
    assert is_in(log_in(password=NEW_PASSWORD))


def test_old_passwords_cannot_be_guessed_in_a_session_that_was_left_open(mia, client, hashes):
    client.force_login(mia)
    for _ in range(20):
        client.post(
            reverse("admin:password_change"),
            {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
        )

    assert hashes.count("wrong") == limits.ATTEMPTS_OF_USER.count


def test_confirming_a_password_counts_as_logging_in(mia, client, hashes):
    client.force_login(mia)
    for _ in range(20):
        client.post(reverse("account_reauthenticate"), {"password": "wrong"})

    assert len(hashes) == limits.ATTEMPTS_OF_NAME_AND_ADDRESS.count


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "sso/login/", "oidc/sso/login/"]
)
def test_pages_that_the_hub_does_not_need_are_not_there(admin_client, client, path):
    assert admin_client.get(f"/admin/{path}").status_code == 404
    assert client.get(f"/admin/{path}").status_code in (302, 404)  # to the login, as any path


def test_the_user_menu_leads_to_password_and_second_factor(admin_client):
    html = admin_client.get("/admin/").text

    assert re.search(r'href="/admin/password_change/"[^>]*>\s*Password\s*<', html)
    assert re.search(r'href="/admin/two-factor/"[^>]*>\s*Two-factor\s*<', html)


PAGES = [
    "account_login",
    "account_logout",
    "account_change_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_inactive",
    "account_reauthenticate",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_reauthenticate_webauthn",
]

NEED_APP = {"mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_reauthenticate"}


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_in_unfolds_look_and_have_no_script_of_their_own(mia, client, settings, page):
    settings.HAS_MAIL_SERVER = True
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = settings.MFA_REAUTHENTICATION_REQUIRED = False
    if page in NEED_APP:
        TOTP.activate(mia, SECRET)
        RecoveryCodes.activate(mia)
    if page != "account_login":
        client.force_login(mia)

    answer = client.get(reverse(page), follow=True)

    assert answer.status_code == 200
    assert "unfold/css/styles.css" in answer.text
    assert "adminsite/icon.svg" in answer.text
    main = answer.text.partition("<body")[2]
    for tag, script in re.findall(r"<script([^>]*)>(.*?)</script>", main, re.DOTALL):
        assert "src=" in tag or 'type="application/json"' in tag or script.strip() == "", script
    fields = re.findall(r'<(?:input|textarea)\b[^>]*\bid="([^"]+)"[^>]*>', main)
    assert not re.search(r"\son(?:click|submit|load)=", main)
    hidden = {name for name in fields if re.search(rf'type="hidden"[^>]*id="{name}"', main)}
    for name in set(fields) - hidden:
        if name.startswith(("id_", "authenticator_", "recovery_")):
            assert f'for="{name}"' in main, name
