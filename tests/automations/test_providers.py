"""Providers of django-anymail: what they say when they get an email, and by their webhooks."""

import base64
import hashlib
import hmac
import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from automations.models import Email, Suppression
from automations.urls import provider_urls
from consents.agreements import record_agreement
from tests.automations.emails import make_email, send, send_again_later, state_of
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db

POSTMARK = "anymail.backends.postmark.EmailBackend"
HANGS_UP = "hangs up"


class Provider(ThreadingHTTPServer):
    """Speaks the HTTP of Postmark; `answers` are what it says the next times."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.got = deque(), []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = self.server.answers.popleft() if self.server.answers else (200, None)
        if status == HANGS_UP:
            return
        self.server.got.append(body)
        taken = {"ErrorCode": 0, "Message": "OK", "To": body["To"], "MessageID": "provider-1"}
        content = json.dumps(answer or taken).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def provider(settings):
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    settings.EMAIL_BACKEND = POSTMARK
    settings.EMAIL_CONNECTIONS = 1
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "token",
        "POSTMARK_API_URL": f"http://127.0.0.1:{server.server_port}/",
        "WEBHOOK_SECRET": "hub:secret",
    }
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_provider_gets_the_email_and_its_id_is_kept(provider):
    email = make_email(make_contact(email="ada@example.com"))

    send()

    (got,) = provider.got
    assert (got["To"], got["Subject"]) == ("ada@example.com", "Your file")
    assert got["Metadata"] == {"throughline": email.message_id}
    headers = {header["Name"]: header["Value"] for header in got["Headers"]}
    assert headers["Message-ID"] == f"<{email.message_id}>"
    assert (state_of(email).status, state_of(email).provider_id) == ("sent", "provider-1")


@pytest.mark.parametrize(
    ("answer", "status", "times_uncertain"),
    [
        ((429, {"ErrorCode": 429, "Message": "Slow down"}), "prepared", 0),
        ((503, {"ErrorCode": 100, "Message": "Maintenance"}), "prepared", 0),
        ((401, {"ErrorCode": 10, "Message": "Bad token"}), "prepared", 0),
        ((422, {"ErrorCode": 300, "Message": "Invalid email request"}), "failed", 0),
        ((HANGS_UP, None), "uncertain", 1),
    ],
)
def test_what_a_provider_answers_is_what_becomes_of_the_email(
    provider, answer, status, times_uncertain
):
    consent = make_consent("Newsletter")
    contact = make_contact(email="ada@example.com")
    record_agreement(contact, consent, agreed=True)
    provider.answers.append(answer)
    email = make_email(contact, consent=consent)

    send()

    found = state_of(email)
    assert (found.status, found.times_uncertain) == (status, times_uncertain)
    assert bool(found.last_error) == (status == "prepared")


def test_a_provider_that_is_away_costs_no_email(provider, settings):
    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_API_URL": "http://127.0.0.1:1/"}
    email = make_email()

    send()

    assert (state_of(email).status, state_of(email).times_uncertain) == ("prepared", 0)


def test_without_a_secret_no_provider_can_report_anything():
    assert provider_urls({"POSTMARK_SERVER_TOKEN": "token"}) == []
    assert provider_urls({"WEBHOOK_SECRET": ""}) == []


def report(client, kind, email, secret="hub:secret", **members):
    """What Postmark reports of `email`."""
    body = {
        "RecordType": kind,
        "MessageID": "provider-1",
        "Metadata": {"throughline": email.message_id},
        "Email": email.recipient,
        **members,
    }
    login = base64.b64encode(secret.encode()).decode()
    return client.post(
        "/email/anymail/postmark/tracking/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Basic {login}"},
    )


def sent(**fields):
    contact = make_contact(email="ada@example.com")
    return make_email(contact, status="sent", sent_at=timezone.now(), **fields)


@pytest.mark.urls("tests.automations.webhook_urls")
def test_a_provider_reports_a_hard_bounce(provider, client):
    email = sent()
    said = "smtp;550 5.1.1 The email account that you tried to reach does not exist."

    for _ in range(2):
        answer = report(client, "Bounce", email, Type="HardBounce", TypeCode=1, Details=said)
        assert answer.status_code == 200

    event = email.events.get()
    assert (event.kind, event.severity) == ("bounced", "hard")
    assert Suppression.objects.get().reason == "bounced"


@pytest.mark.urls("tests.automations.webhook_urls")
def test_a_provider_reports_a_complaint_of_an_email_that_it_names_by_its_own_id(provider, client):
    email = sent(provider_id="provider-1")

    report(client, "SpamComplaint", email, Type="SpamComplaint", Metadata={})

    assert email.events.get().kind == "complained"
    assert Suppression.objects.get().reason == "complained"


@pytest.mark.urls("tests.automations.webhook_urls")
def test_a_provider_that_has_delivered_it_ends_the_uncertainty(provider, client):
    email = make_email(times_uncertain=1, uncertain_at=timezone.now())

    report(client, "Delivery", email)
    send_again_later()

    assert (state_of(email).status, state_of(email).times_uncertain) == ("sent", 1)
    assert provider.got == []


@pytest.mark.urls("tests.automations.webhook_urls")
def test_who_unsubscribes_from_a_transactional_email_at_the_provider_gets_no_more(provider, client):
    email = sent()

    report(client, "SubscriptionChange", email, SuppressSending=True, Recipient=email.recipient)

    assert Suppression.objects.get().reason == "unsubscribed"


@pytest.mark.urls("tests.automations.webhook_urls")
def test_opens_that_a_provider_counts_are_not_kept(provider, client):
    email = sent()

    assert report(client, "Open", email).status_code == 200

    assert not email.events.exists()


@pytest.mark.urls("tests.automations.webhook_urls")
@pytest.mark.parametrize("secret", ["hub:wrong", ""])
def test_reports_without_the_secret_are_refused(provider, client, secret):
    email = sent()

    assert report(client, "Bounce", email, secret, Type="HardBounce").status_code == 400

    assert not Suppression.objects.exists()


@pytest.mark.urls("tests.automations.webhook_urls")
@pytest.mark.parametrize("is_signed", [True, False])
def test_the_signature_of_a_provider_is_checked(settings, client, is_signed):
    settings.ANYMAIL = {"WEBHOOK_SECRET": "hub:secret", "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
    email = sent()
    signed = hmac.new(b"key", b"1790000000token", hashlib.sha256).hexdigest()
    body = {
        "signature": {
            "timestamp": "1790000000",
            "token": "token",
            "signature": signed if is_signed else "0" * 64,
        },
        "event-data": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "timestamp": 1790000000.0,
            "id": "event-1",
            "recipient": email.recipient,
            "message": {"headers": {"message-id": email.message_id}},
            "delivery-status": {"code": 550, "message": "5.1.1 No such user"},
        },
    }
    login = base64.b64encode(b"hub:secret").decode()

    answer = client.post(
        "/email/anymail/mailgun/tracking/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Basic {login}"},
    )

    assert answer.status_code == (200 if is_signed else 400)
    assert Suppression.objects.exists() == is_signed
    assert Email.objects.get().events.exists() == is_signed
