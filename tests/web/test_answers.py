"""Answers: what a server sends of them, and what Django does."""

import pytest

from tests.threads import run_in_loop
from web.answers import Answer

COOKIE = b"CAID=123; Max-Age=60; Path=/; SameSite=None; Secure; HttpOnly"


def test_answer_has_its_length_and_type():
    answer = Answer.of("ü".encode(), "text/plain", status=201, headers={"Cache-Control": "no"})

    assert answer == (
        201,
        [(b"content-length", b"2"), (b"content-type", b"text/plain"), (b"cache-control", b"no")],
        "ü".encode(),
    )


def test_answer_without_a_type_says_none():
    assert Answer.of(b"") == (200, [(b"content-length", b"0")], b"")


def test_answer_can_be_json():
    answer = Answer.json({"a": ["ü", None]}, status=400, headers={"Retry-After": "5"})

    assert answer.body == '{"a":["ü",null]}'.encode()
    assert answer.status == 400
    assert dict(answer.headers) == {
        b"content-length": b"17",
        b"content-type": b"application/json",
        b"retry-after": b"5",
    }


def test_answers_share_no_headers():
    one, other = Answer.of(b"a"), Answer.of(b"b")
    one.headers.append((b"x", b"y"))

    assert other.headers == [(b"content-length", b"1")]


def test_server_is_sent_the_start_and_the_body():
    sent = []

    async def send(message):
        sent.append(message)

    run_in_loop(Answer(204, [(b"a", b"b")], b"body").send(send))

    assert sent == [
        {"type": "http.response.start", "status": 204, "headers": [(b"a", b"b")]},
        {"type": "http.response.body", "body": b"body"},
    ]


def test_django_answers_the_same():
    answer = Answer.of(b"body", "image/gif", status=404, headers={"X-Name": "Zoë"})

    response = answer.for_django()

    assert (response.status_code, response.content) == (404, b"body")
    assert dict(response.items()) == {
        "Content-Length": "4",
        "Content-Type": "image/gif",
        "X-Name": "Zoë",
    }


def test_django_adds_no_type_where_there_is_none():
    assert "Content-Type" not in Answer.of(b"").for_django()


@pytest.mark.parametrize(
    "cookie",
    [
        COOKIE,
        b"a=; Max-Age=0; Path=/; SameSite=None; Secure; HttpOnly",
        b"b=a.b-c; Max-Age=5; Path=/; SameSite=None; Secure",
    ],
)
def test_django_sets_the_same_cookies(cookie):
    answer = Answer.of(b"")
    answer.headers.extend((b"set-cookie", one) for one in (COOKIE, cookie))

    response = answer.for_django()

    assert "Set-Cookie" not in response
    *_, made = response.cookies.values()
    parts = made.output(header="").strip().replace('=""', "=").split("; ")
    assert sorted(parts) == sorted(cookie.decode().split("; "))
    assert len(response.cookies) == len({COOKIE, cookie})
    assert made["max-age"] in (60, 0, 5)
