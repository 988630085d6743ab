"""Logging in: who gets in, how often it may be tried, and what the pages are made of."""

import functools
import queue
import re
import threading
import time
from unittest import mock

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.logins import limits
from config.logins.postbox import wait_until_sent
from config.logins.sealing import seal, seal_all, unseal
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
PASSWORD = "a long password of mia"
NEW_PASSWORD = "another long password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def within_one_piece_of_time():
    """Attempts are counted by pieces of five minutes: the next one may begin, but not end soon."""
    left = 300 - time.time() % 300
    if left < 10:
        time.sleep(left)


@pytest.fixture
def mia():
    return User.objects.create_superuser("mia", "mia@example.com", PASSWORD)


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


def log_in(name="mia", password=PASSWORD, client=None, address="203.0.113.1", **data):
    client = client or Client()
    return client.post(LOGIN, {"username": name, "password": password, **data}, REMOTE_ADDR=address)


def is_in(response):
    return response.status_code == 302 and "_auth_user_id" in response.client.session


def code_of(secret=SECRET, steps=0):
    counter = next(iter(yield_hotp_counters_from_time())) + steps
    return format_hotp_value(hotp_value(secret, counter))


@pytest.fixture
def with_app(mia):
    """Mia, with an authenticator app and recovery codes."""
    TOTP.activate(mia, SECRET)
    RecoveryCodes.activate(mia)
    return mia


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


def test_the_second_factor_is_asked_for(with_app, client):
    answer = log_in(client=client)
    assert answer.headers["Location"] == reverse("mfa_authenticate")
    assert not is_in(answer)

    answer = client.post(
        reverse("mfa_authenticate"), {"code": f" {code_of()[:3]} {code_of()[3:]} "}
    )

    assert answer.headers["Location"] == "/admin/"
    assert is_in(answer)


def test_a_recovery_code_works_once(with_app):
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    answers = []
    for _ in range(2):
        client = Client()
        log_in(client=client)
        answers.append(is_in(client.post(reverse("mfa_authenticate"), {"code": code})))

    assert answers == [True, False]


def test_the_database_has_no_secret_of_a_second_factor_in_plain_text(with_app):
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    app = TOTP(Authenticator.objects.get(type=Authenticator.Type.TOTP))

    assert SECRET not in stored
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()
    assert unseal(app.instance.data["secret"]) == SECRET
    assert app.instance.data["secret"] != seal(SECRET)


def test_secrets_of_before_are_sealed_once_and_work_meanwhile():
    before = {"secret": SECRET, "used_mask": 0, "migrated_codes": ["12345678"]}
    after = seal_all(before)

    assert unseal(before["secret"]) == unseal(after["secret"]) == SECRET != after["secret"]
    assert [unseal(code) for code in after["migrated_codes"]] == ["12345678"]
    assert after["used_mask"] == 0
    assert seal_all(after) == after


def test_another_secret_key_opens_nothing_and_one_of_before_does(settings, caplog):
    sealed, first = seal(SECRET), settings.SECRET_KEY
    settings.SECRET_KEY = "another key, which is as long as a key has to be"

    assert unseal(sealed) not in (SECRET, "")
    assert unseal(sealed) != unseal(sealed)
    assert "reset_second_factor" in caplog.text
    assert SECRET not in caplog.text

    settings.SECRET_KEY_FALLBACKS = [first]
    assert unseal(sealed) == SECRET


def test_codes_cannot_be_guessed(with_app, client):
    log_in(client=client)
    page = reverse("mfa_authenticate")
    for _ in range(limits.ATTEMPTS_OF_USER.count):
        assert "Incorrect code" in client.post(page, {"code": "000000"}).text

    answer = client.post(page, {"code": code_of()})

    assert "Too many attempts to log in." in answer.text
    assert not is_in(answer)


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "no json",
        "{}",
        "[]",
        "1",
        '"x"',
        "null",
        '{"id": 1}',
        '{"response": {"userHandle": 5}}',
        '{"response": {"userHandle": "!"}}',
        '{"response": {"userHandle": "AAAA"}}',
    ],
)
def test_what_no_key_answers_is_refused_in_order(with_app, client, credential):
    answer = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert answer.headers["Location"] == LOGIN

    log_in(client=client)
    answer = client.post(reverse("mfa_authenticate"), {"credential": credential})
    assert answer.status_code == 200
    assert not is_in(answer)


def test_an_operator_can_remove_second_factors(with_app, capsys):
    call_command("reset_second_factor", "mia")

    assert capsys.readouterr().out == "mia now logs in with the password alone (2 removed).\n"
    assert is_in(log_in())
    with pytest.raises(CommandError, match="No user is called 'no-one'"):
        call_command("reset_second_factor", "no-one")


def test_without_a_mail_server_the_page_names_the_command(mia, client, settings):
    settings.HAS_MAIL_SERVER = False
    page = reverse("account_reset_password")

    for answer in (client.get(page), client.post(page, {"email": "mia@example.com"})):
        assert answer.status_code == 200
        assert "This hub has no mail server" in answer.text
        assert "manage.py changepassword" in answer.text
    assert mail.outbox == []


def reset(client, email="mia@example.com", **headers):
    answer = client.post(reverse("account_reset_password"), {"email": email}, **headers)
    wait_until_sent()
    return answer


def test_a_password_is_reset_by_a_link_in_an_email(mia, client, settings):
    settings.HAS_MAIL_SERVER = True
    answer = reset(client)
    (link,) = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)
    page = client.get(link, follow=True)
    form = page.request["PATH_INFO"]

    weak = client.post(form, {"password1": "mia", "password2": "mia"})
    done = client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}, follow=True)

    assert answer.headers["Location"] == reverse("account_reset_password_done")
    assert mail.outbox[0].to == ["mia@example.com"]
    assert "at least 10 characters" in weak.text
    assert "Your password is changed" in done.text
    assert is_in(log_in(password=NEW_PASSWORD))
    assert "This link no longer works" in Client().get(link).text


def test_after_a_reset_a_second_factor_can_still_be_set_up(mia, client, settings):
    settings.HAS_MAIL_SERVER = True
    reset(client)
    client.force_login(mia)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    assert "Authenticator secret" in client.get(reverse("mfa_activate_totp")).text


@pytest.mark.parametrize(
    ("stored", "asked", "mails"),
    [
        ("Mia@Example.com", "mia@example.com", 1),
        ("mia@example.com", "MIA@EXAMPLE.COM", 1),
        ("mia@example.com", "m\u0131a@example.com", 0),
        ("mia@example.com", "mia@exampłe.com", 0),
    ],
)
def test_an_email_is_found_in_any_letter_case_and_no_other(
    mia, client, settings, stored, asked, mails
):
    settings.HAS_MAIL_SERVER = True
    User.objects.update(email=stored)

    reset(client, asked)

    assert [message.to for message in mail.outbox] == [["mia@example.com"]] * mails


@pytest.mark.parametrize("user", [{"is_staff": False}, {"is_active": False}])
def test_users_who_may_not_use_the_admin_get_no_link(mia, client, settings, user):
    settings.HAS_MAIL_SERVER = True
    User.objects.update(**user)

    reset(client)

    assert mail.outbox == []


def test_an_unknown_email_is_answered_alike_and_gets_no_mail(mia, client, settings):
    settings.HAS_MAIL_SERVER = True

    known, unknown = reset(client), reset(client, "no-one@example.com")

    assert known.headers["Location"] == unknown.headers["Location"]
    assert [message.to for message in mail.outbox] == [["mia@example.com"]]


def test_no_request_waits_for_a_mail_server_that_hangs(mia, client, settings):
    settings.HAS_MAIL_SERVER = True
    is_answered, sent_after_the_answer = threading.Event(), []

    def hang(message):
        sent_after_the_answer.append(is_answered.wait(5))

    with mock.patch("django.core.mail.EmailMessage.send", hang):
        answer = client.post(reverse("account_reset_password"), {"email": "mia@example.com"})
        is_answered.set()
        wait_until_sent()

    assert sent_after_the_answer == [True]
    assert answer.headers["Location"] == reverse("account_reset_password_done")


def test_a_mailbox_is_not_flooded(mia, settings):
    settings.HAS_MAIL_SERVER = True

    answers = [reset(Client(), REMOTE_ADDR=f"203.0.113.{number}") for number in range(9)]

    assert len(mail.outbox) == limits.RESETS_OF_EMAIL.count
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].text


def test_a_link_leads_to_hosts_of_the_hub_only(mia, client, settings):
    settings.HAS_MAIL_SERVER = True
    settings.HUB_HOSTS = ["hub.example.com"]

    assert reset(client, headers={"host": "hub.example.com"}).status_code == 302
    with mock.patch("web.middleware.is_known_host", return_value=True):
        assert reset(client, headers={"host": "www.example.com"}).status_code == 404
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_no_error_of_the_page(mia, client, settings, caplog):
    settings.HAS_MAIL_SERVER = True
    with mock.patch("django.core.mail.EmailMessage.send", side_effect=ConnectionRefusedError):
        answer = reset(client)

    assert answer.status_code == 302
    assert "could not be sent: ConnectionRefusedError" in caplog.text
    assert "mia@" not in caplog.text


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
