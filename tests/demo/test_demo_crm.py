"""The demo's CRM: what it takes, what it refuses, and what its page shows."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from standardwebhooks import Webhook

from config.demo import data
from config.demo.crm import keeping
from config.demo.crm.connecting import ensure_crm
from destinations.models import Destination, Queue
from tests.factories import make_consent

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.demo.urls")]

PAGE = "/demo/crm/"
HOOK = "/demo/crm/hook"
SECRET = "whsec_" + "QWxkZXIgQmFuayBpcyBhIGJhbmsgdGhhdCBkb2VzIG5vdCBleGlzdA=="
OTHER_SECRET = "whsec_" + "QW5vdGhlciBzZWNyZXQsIGFzIGxvbmcgYXMgdGhlIGZpcnN0IG9uZQ=="


@pytest.fixture(autouse=True)
def crm(settings, tmp_path):
    """A CRM of its own, which knows the secret."""
    settings.DATA_DIR = tmp_path
    keeping.set_secret(SECRET)


def message(**changes):
    contact = {"guid": str(uuid4()), "first_name": "Lukas", "last_name": "Hofer"}
    return {
        "type": "activity",
        "timestamp": "2026-11-05T09:15:00+00:00",
        "contact": contact,
        "data": {"type": "purchase", "title": "Purchase 'TI-1060'"},
        **changes,
    }


def send(content, *, secrets=(SECRET,), id="msg_1", late=timedelta(), method="post", tampered=b""):
    """What the hub sends, signed by these secrets."""
    body = json.dumps(content).encode() if not isinstance(content, bytes) else content
    at = datetime.now(UTC) - late
    signatures = [Webhook(one).sign(id, at, body.decode(errors="replace")) for one in secrets]
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return getattr(Client(enforce_csrf_checks=True), method)(
        HOOK, body + tampered, content_type="application/json", headers=headers
    )


def page(path=PAGE):
    response = Client().get(path)
    assert response.status_code == 200
    return response.text


def test_signed_message_is_taken_and_shown():
    answer = send(message())

    assert (answer.status_code, answer.text) == (200, "Thank you.")
    for html in (page(), page(f"{PAGE}messages/")):
        assert "Purchase &#x27;TI-1060&#x27;" in html
        assert "Lukas Hofer" in html
        assert "Signature holds" in html
        assert "msg_1" in html
        assert "Refused" not in html


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_crm_takes_what_any_method_brings(method):
    assert send(message(), method=method).status_code == 200


def test_message_that_comes_again_is_one():
    send(message())
    send(message())
    send(message(), id="msg_2")

    assert [(one.id, one.times) for one in keeping.messages()] == [("msg_2", 1), ("msg_1", 2)]
    assert "came 2 times" in page()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"secrets": [OTHER_SECRET]}, "No matching signature found"),
        ({"secrets": []}, "Missing required headers"),
        ({"tampered": b" "}, "No matching signature found"),
        ({"late": timedelta(minutes=6)}, "too old"),
        ({"late": -timedelta(minutes=6)}, "too new"),
        ({"id": ""}, "Missing required headers"),
    ],
)
def test_message_whose_signature_does_not_hold_is_refused_and_shown(changes, reason):
    answer = send(message(), **changes)

    assert answer.status_code == 401
    assert reason in answer.text
    assert "Refused" in page()
    assert "Signature holds" not in page()


@pytest.mark.parametrize("signature", ["nonsense", "v1,€", "v1,a", ",", "v1,a,b"])
def test_what_is_no_signature_is_refused(signature):
    now = str(int(datetime.now(UTC).timestamp()))
    answer = Client().post(
        HOOK,
        b"{}",
        content_type="application/json",
        headers={
            "webhook-id": "msg_1",
            "webhook-timestamp": now,
            "webhook-signature": signature,
        },
    )

    assert answer.status_code == 401
    assert answer.text in (
        "The signature cannot be read.",
        "The signature does not hold: No matching signature found.",
    )


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 50_000, b"null", b'"text"', b"[1]"])
def test_what_is_no_message_does_no_harm(body):
    assert Client().post(HOOK, body, content_type="application/json").status_code == 401
    assert "Refused" in page()


def test_signed_body_that_is_no_message_is_shown_as_it_came():
    assert send(b"<b>text</b>").status_code == 200

    assert "&lt;b&gt;text&lt;/b&gt;" in page()


@pytest.mark.parametrize("depth", [400, 900, 20_000])
def test_deep_body_is_shown(depth):
    assert send(b'{"a":' + b"[" * depth + b"]" * depth + b"}").status_code == 200

    assert "Signature holds" in page()


def test_too_large_a_body_is_refused():
    assert send(message(data={"title": "x" * 70_000})).status_code == 413
    assert keeping.messages() == []


def test_crm_without_a_secret_says_what_to_do(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "new"

    answer = send(message())

    assert answer.status_code == 401
    assert "Paste it on its page" in answer.text


def test_new_secret_is_pasted_after_a_rotation():
    send(message(), secrets=[OTHER_SECRET, SECRET])
    assert Client().post(f"{PAGE}secret/", {"secret": f" {OTHER_SECRET} "}).status_code == 302
    send(message(), secrets=[OTHER_SECRET, SECRET], id="msg_2")
    send(message(), secrets=[OTHER_SECRET], id="msg_3")

    assert [one.problem for one in keeping.messages()] == ["", "", ""]
    assert OTHER_SECRET not in page()


@pytest.mark.parametrize("status", [503, 410])
def test_crm_that_is_out_of_order_keeps_nothing(status):
    Client().post(f"{PAGE}answer/", {"answer": status})

    assert send(message()).status_code == status
    assert keeping.messages() == []

    Client().post(f"{PAGE}answer/", {"answer": "200"})
    assert send(message()).status_code == 200
    assert [one.times for one in keeping.messages()] == [1]


@pytest.mark.parametrize("answer", ["500", "", "nonsense"])
def test_crm_answers_only_as_its_page_offers(answer):
    Client().post(f"{PAGE}answer/", {"answer": answer})

    assert keeping.answer() == 200


@pytest.mark.parametrize("path", ["answer/", "secret/", "forget/"])
def test_forms_of_the_page_need_its_token(path):
    client = Client(enforce_csrf_checks=True)

    assert client.post(f"{PAGE}{path}", {"answer": "410", "secret": "x"}).status_code == 403


def test_erased_contact_is_forgotten():
    guid = str(uuid4())
    send(message(contact={"guid": guid, "first_name": "Ada"}))
    send(message(contact={"guid": str(uuid4()), "first_name": "Lukas"}), id="msg_2")
    send({"type": "erasure", "contact": {"guid": guid}, "data": {}}, id="msg_3")

    assert [one.id for one in keeping.messages()] == ["msg_3", "msg_2"]
    assert "Ada" not in page()


def test_erasure_that_is_not_from_the_hub_erases_nothing():
    guid = str(uuid4())
    send(message(contact={"guid": guid}))
    request = {"type": "erasure", "contact": {"guid": guid}, "data": {}}
    send(request, id="msg_2", secrets=[OTHER_SECRET])

    assert [one.id for one in keeping.messages()] == ["msg_2", "msg_1"]


def test_page_says_what_to_do_while_it_is_empty():
    assert "Nothing has arrived yet" in page()
    send(message())
    assert "Nothing has arrived yet" not in page()

    assert Client().post(f"{PAGE}forget/").status_code == 302

    assert "Nothing has arrived yet" in page()


def test_oldest_messages_are_forgotten(monkeypatch):
    monkeypatch.setattr(keeping, "MOST_MESSAGES", 2)
    for number in range(1, 5):
        send(message(), id=f"msg_{number}")

    assert [one.id for one in keeping.messages()] == ["msg_4", "msg_3"]


def test_crm_keeps_nothing_in_the_database_of_the_hub(tmp_path, django_assert_num_queries):
    with django_assert_num_queries(0):
        send(message())

    with sqlite3.connect(tmp_path / "demo-crm.sqlite3") as file:
        assert file.execute("SELECT count(*) FROM message").fetchone() == (1,)
    file.close()


@pytest.fixture
def consent():
    return make_consent(data.TRACKING)


def the_destination():
    return Destination.objects.get(code_name="crm")


def test_destination_is_made_and_its_secret_told(settings, tmp_path, consent):
    settings.DATA_DIR = tmp_path / "new"
    settings.DEMO = True

    ensure_crm(consent)

    crm = the_destination()
    assert (crm.type, crm.consent, crm.enabled) == ("webhook", consent, True)
    assert crm.url == f"http://127.0.0.1:{settings.PORT}/demo/crm/hook"
    assert "purchase" in crm.activities
    assert keeping.secret() == crm.secret != ""
    assert Queue.objects.filter(destination=crm).exists()


def test_destination_is_off_where_its_crm_is_not_served(settings, consent):
    ensure_crm(consent)
    assert not the_destination().enabled

    settings.DEMO = True
    ensure_crm(consent)
    assert the_destination().enabled


def test_destination_stays_as_a_user_left_it(settings, consent):
    settings.DEMO = True
    ensure_crm(consent)
    secret = the_destination().secret
    Destination.objects.update(enabled=False, url="https://crm.example.com/hook", name="Ours")

    ensure_crm(consent)

    crm = the_destination()
    assert (crm.enabled, crm.name, crm.secret) == (False, "Ours", secret)
    assert crm.url == "https://crm.example.com/hook"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::1", "http://[::1]:8123/demo/crm/hook"),
        ("localhost", "http://localhost:8123/demo/crm/hook"),
        ("0.0.0.0", "http://127.0.0.1:8123/demo/crm/hook"),
        ("::", "http://[::1]:8123/demo/crm/hook"),
    ],
)
def test_destination_follows_host_and_port(settings, consent, host, url):
    ensure_crm(consent)
    settings.HOST, settings.PORT = host, 8123

    ensure_crm(consent)

    assert the_destination().url == url
