"""How much of a body is read: of uploads more, if a user sends them who may import."""

import io

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from adminsite.roles import give_roles
from config.serving import SMALL_BODY_BYTES, Allowance, read_body
from config.uploads import UPLOAD_PATH, allowance_of
from database.loop import finish
from tests.loops import run_in_loop

pytestmark = pytest.mark.django_db


def scope(cookie="", method="POST"):
    headers = [(b"cookie", f"sessionid={cookie}".encode())] if cookie else []
    return {
        "type": "http",
        "method": method,
        "path": UPLOAD_PATH,
        "headers": headers,
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }


def session_of(role):
    client, user = Client(), User.objects.create(username="somebody", is_staff=True)
    give_roles(user, [role])
    client.force_login(user)
    return client.cookies["sessionid"].value


def test_path_of_uploads_is_that_of_the_page():
    assert reverse("admin:exchange_import_upload") == UPLOAD_PATH


def test_user_who_may_import_sends_large_files(settings, tmp_path):
    settings.IMPORT_MAX_MB, settings.DATA_DIR = 3, tmp_path

    allowed = finish(allowance_of(scope(session_of("marketer"))))

    assert (allowed.bytes, allowed.folder) == (3_100_000, tmp_path / "imports")


@pytest.mark.parametrize("role", ["developer", "dpo"])
def test_others_send_no_more_than_to_any_page(role, settings):
    assert finish(allowance_of(scope(session_of(role)))) == Allowance(settings.MAX_BODY_BYTES)


@pytest.mark.parametrize("cookie", ["", "guessed"])
def test_whoever_is_not_logged_in_sends_no_more_than_to_any_page(cookie, settings):
    assert finish(allowance_of(scope(cookie))) == Allowance(settings.MAX_BODY_BYTES)


def test_body_is_read_up_to_its_allowance_into_the_folder(tmp_path, settings):
    settings.MAX_BODY_BYTES = 10
    pieces = [b"x" * SMALL_BODY_BYTES] * 4
    names = []

    async def receive():
        piece = pieces.pop()
        names.extend(tmp_path.iterdir())
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    allowance = Allowance(3 * SMALL_BODY_BYTES, 10.0, tmp_path)
    with run_in_loop(read_body(receive, allowance)) as body:
        assert not isinstance(body, io.BytesIO)
        assert len(body.read()) == 3 * SMALL_BODY_BYTES + 1


def test_of_two_gigabytes_no_more_is_read_than_is_allowed(tmp_path, settings):
    settings.IMPORT_MAX_MB, settings.DATA_DIR = 3, tmp_path
    piece, taken = b"x" * 1_000_000, 0

    async def receive():
        nonlocal taken
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": taken < 2_000_000_000}

    # What the request says of its length is not looked at.
    allowance = finish(allowance_of(scope(session_of("marketer"))))
    with run_in_loop(read_body(receive, allowance)) as body:
        assert len(body.read()) == 3_100_001
    # Some of what follows is thrown away, so that the browser sees the answer.
    assert taken < 50_000_000
    assert list((tmp_path / "imports").iterdir()) == []
