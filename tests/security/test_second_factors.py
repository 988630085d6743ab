"""Second factors: when they are asked for, how they are kept, and who has lost theirs."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.logins import limits
from config.logins.sealing import seal, seal_all, unseal
from tests.security.logins import LOGIN, SECRET, is_in, log_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("within_one_piece_of_time")]


def code_of(secret=SECRET, steps=0):
    _, counter, _ = yield_hotp_counters_from_time()  # that of now: one before may end this moment
    return format_hotp_value(hotp_value(secret, counter + steps))


@pytest.fixture
def with_app(mia):
    """Mia, with an authenticator app and recovery codes."""
    TOTP.activate(mia, SECRET)
    RecoveryCodes.activate(mia)
    return mia


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
