"""The outbox: what a hub without a mail server would have sent, in the admin."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from automations.emails import outbox
from automations.models import OutboxMessage
from contacts.models import Contact
from tests.automations.emails import make_email, send, state_of
from tests.config.hub import ROOT, clean_environment
from tests.factories import make_contact


@pytest.fixture(autouse=True)
def no_mail_server(settings):
    settings.EMAIL_BACKEND = "automations.emails.outbox.EmailBackend"
    settings.HAS_MAIL_SERVER = False


@pytest.mark.django_db(transaction=True)
def test_an_email_is_sent_into_the_outbox_and_read_there(admin_client):
    contact = make_contact(email="ada@example.com")
    html = '<html><head></head><body><a href="https://files.example.com/1.pdf">It</a></body></html>'
    email = make_email(contact, html=html, text="https://files.example.com/1.pdf\n")

    send()

    assert state_of(email).status == "sent"
    message = OutboxMessage.objects.get()
    assert (message.recipients, message.subject) == ("ada@example.com", "Your file")
    assert message.contact_id == contact.pk
    assert "Your file" in admin_client.get(changelist_url(OutboxMessage)).text
    page = admin_client.get(change_url(message)).text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "&lt;base target=&quot;_blank&quot;&gt;" in page
    assert "&lt;a href=&quot;https://files.example.com/1.pdf&quot;&gt;" in page
    assert email.message_id in page


@pytest.mark.django_db
def test_other_mail_comes_there_as_well():
    sent = EmailMessage("Hello", "World", to=["a@example.com", "b@example.com"]).send()

    assert sent == 1
    message = OutboxMessage.objects.get()
    assert (message.recipients, message.contact_id) == ("a@example.com, b@example.com", None)
    assert b"World" in bytes(message.raw)


@pytest.mark.django_db
def test_old_messages_are_forgotten(monkeypatch):
    monkeypatch.setattr(outbox, "MOST_KEPT", 3)
    now = timezone.now()
    OutboxMessage.objects.bulk_create(
        OutboxMessage(subject=str(days), raw=b"", at=now - timedelta(days=days))
        for days in (0, 1, 2, 3, 8)
    )

    outbox.forget_old_messages()

    assert set(OutboxMessage.objects.values_list("subject", flat=True)) == {"0", "1", "2"}


@pytest.mark.django_db
def test_the_outbox_is_for_users_who_may_see_contacts(log_in):
    OutboxMessage.objects.create(subject="Secret", raw=b"")

    client = log_in("view_outboxmessage")

    assert client.get(changelist_url(OutboxMessage)).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("has_mail_server", [True, False])
def test_the_outbox_is_in_the_sidebar_while_messages_go_there(
    admin_client, settings, has_mail_server
):
    settings.HAS_MAIL_SERVER = has_mail_server

    page = admin_client.get(reverse("admin:index")).text

    assert (changelist_url(OutboxMessage) in page) == (not has_mail_server)


@pytest.mark.django_db
def test_an_empty_outbox_says_what_will_be_there(admin_client):
    assert "Nothing in the outbox" in admin_client.get(changelist_url(OutboxMessage)).text


@pytest.mark.django_db
def test_messages_of_an_erased_contact_go_with_it():
    field = OutboxMessage._meta.get_field("contact")

    assert field.related_model is Contact
    assert field.on_erase == "delete"


@pytest.mark.django_db
def test_many_messages_at_once_are_forgotten_before_the_hour_is_over(monkeypatch):
    monkeypatch.setattr(outbox, "MOST_KEPT", 3)
    monkeypatch.setattr(outbox, "_AT_ONCE", 1)

    for number in range(5):
        EmailMessage(str(number), "World", to=["a@example.com"]).send()

    assert sorted(OutboxMessage.objects.values_list("subject", flat=True)) == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("environment", "has_one"),
    [
        ({}, False),
        ({"EMAIL_BACKEND": "automations.emails.outbox.EmailBackend"}, False),
        ({"EMAIL_URL": "smtp://mail.example.com"}, True),
        ({"EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend"}, True),
    ],
)
def test_a_hub_that_sends_into_the_outbox_has_no_mail_server(tmp_path, environment, has_one):
    done = subprocess.run(
        [sys.executable, "-c", "from config import settings; print(settings.HAS_MAIL_SERVER)"],
        cwd=ROOT,
        env=clean_environment(tmp_path, **environment),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == str(has_one)
