"""Secrets and signatures, as Standard Webhooks has them."""

import base64
import hashlib
import hmac
from datetime import timedelta, timezone
from uuid import UUID

import pytest
from django.utils import timezone as clock
from standardwebhooks import Webhook, WebhookVerificationError

from destinations.models import Destination
from destinations.signing import InvalidSecret, check_secret, id_of, make_secret, signed_headers

MESSAGE = UUID("0189f7e2-4c1a-7a31-8d53-0a3c0f7d9b11")
BODY = '{"name":"Größe 東京"}'.encode()


def secret_of(count):
    return "whsec_" + base64.b64encode(bytes(range(count))).decode()


def headers_for(secret, *, at=None, body=BODY, **fields):
    destination = Destination(secret=secret, **fields)
    return signed_headers(destination, MESSAGE, body, at or clock.now())


def test_new_secrets_have_32_bytes_and_differ():
    secrets = {make_secret() for _ in range(20)}

    assert len(secrets) == 20
    for secret in secrets:
        check_secret(secret)
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


def test_the_official_library_takes_the_signature():
    secret = make_secret()

    assert Webhook(secret).verify(BODY, headers_for(secret)) == {"name": "Größe 東京"}


def test_the_key_is_the_decoded_secret_and_what_is_signed_is_id_time_and_body():
    secret = secret_of(24)
    headers = headers_for(secret)

    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + BODY
    expected = base64.b64encode(hmac.digest(bytes(range(24)), signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == id_of(MESSAGE) == f"msg_{MESSAGE.hex}"


@pytest.mark.parametrize("change", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_what_was_changed_on_the_way_is_not_taken(change):
    secret, body = make_secret(), BODY
    headers = headers_for(secret)
    Webhook(secret).verify(body, headers)
    if change == "body":
        body = BODY.replace(b"name", b"nome")
    elif change == "webhook-timestamp":
        headers[change] = str(int(headers[change]) + 1)
    elif change == "secret":
        secret = make_secret()
    else:
        headers[change] += "0"

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_the_time_is_that_of_the_attempt_whatever_its_zone():
    secret = make_secret()
    at = clock.now().astimezone(timezone(timedelta(hours=9)))

    headers = headers_for(secret, at=at)

    assert headers["webhook-timestamp"] == str(int(at.timestamp()))
    Webhook(secret).verify(BODY, headers)


def test_after_a_rotation_both_secrets_sign_until_the_earlier_one_ends():
    new, earlier, now = make_secret(), make_secret(), clock.now()
    fields = {"earlier_secret": earlier, "earlier_secret_until": now}

    during = headers_for(new, at=now - timedelta(seconds=1), **fields)
    after = headers_for(new, at=now, **fields)

    assert during["webhook-signature"].count("v1,") == 2
    Webhook(new).verify(BODY, during)
    Webhook(earlier).verify(BODY, during)
    Webhook(new).verify(BODY, after)
    with pytest.raises(WebhookVerificationError):
        Webhook(earlier).verify(BODY, after)


@pytest.mark.parametrize("secret", [secret_of(24), secret_of(64), secret_of(25).rstrip("=")])
def test_a_secret_that_every_receiver_takes_is_taken(secret):
    check_secret(secret)


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (secret_of(23), "This one has 23 bytes."),
        (secret_of(65), "This one has 65 bytes."),
        ("", "whsec_ followed by 24 to 64 bytes"),
        (secret_of(32).removeprefix("whsec_"), "whsec_ followed by"),
        ("whsec_" + "ä" * 40, "in Base64"),
        ("whsec_" + "a b" * 20, "in Base64"),
        ("whsec_" + "_-" * 20, "in Base64"),
    ],
)
def test_any_other_secret_is_refused(secret, why):
    with pytest.raises(InvalidSecret, match=why):
        check_secret(secret)
