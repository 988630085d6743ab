"""A password that was forgotten: who gets a link, and what is told to whom."""

import re
import threading
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from config.logins import limits
from config.logins.postbox import wait_until_sent
from tests.security.logins import NEW_PASSWORD, PASSWORD, is_in, log_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("within_one_piece_of_time")]


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
