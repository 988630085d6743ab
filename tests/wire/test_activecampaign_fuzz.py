"""No ActiveCampaign-format request is a fault, and each is recorded or in the inspector."""

import json
from urllib.parse import urlencode

import pytest
from django.test.client import MULTIPART_CONTENT
from hypothesis import given
from hypothesis import strategies as st

from activities import inspector
from activities.models import Activity, RejectedActivity
from tests.factories import make_contact
from tests.wire.activecampaign import EMAIL, FORM, Account, multipart
from tests.wire.fuzzing import JSON, any_text, examples, mostly, undone
from tests.wire.source import BROWSER

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def all_samples(monkeypatch):
    """Of strangers' requests, each is kept."""
    monkeypatch.setattr(inspector._Sampler, "takes", lambda self, source: True)


VISIT = st.fixed_dictionaries(
    {"email": mostly(st.sampled_from([EMAIL, "ADA@example.com", "null"]))},
    optional={"ip": JSON, "a": JSON},
).map(json.dumps)
TEXT = any_text(max_size=30)
FIELDS = st.fixed_dictionaries(
    {
        "event": mostly(st.sampled_from(["login", "file download request", "click"]), TEXT),
        "visit": mostly(VISIT, TEXT | JSON.map(json.dumps)),
    },
    optional={
        "eventdata": mostly(st.text(max_size=300), TEXT),
        "visit[email]": mostly(st.just(EMAIL), TEXT),
        "eventdata[]": TEXT,
        "actid[]": TEXT,
    },
)


def encode(fields, encoding):
    if encoding == FORM:
        return urlencode(fields, errors="replace").encode()
    storable = {name: text.encode(errors="replace") for name, text in fields.items()}
    return multipart(storable)


def assert_accounted_for(response):
    assert response.status_code == 200, response.content
    of_request = {"request_id": response["Request-Id"]}
    recorded = Activity.objects.filter(**of_request).count()
    assert recorded + RejectedActivity.objects.filter(**of_request).count() == 1


@given(
    fields=FIELDS,
    encoding=st.sampled_from([FORM, MULTIPART_CONTENT]),
    charset=mostly(st.just("utf-8"), st.sampled_from(["iso-8859-1", "utf-16", "hex", ""])),
    in_browser=st.booleans(),
    spoiled=mostly(st.none(), st.tuples(st.integers(0, 500), st.binary(max_size=4))),
)
@examples(200)
def test_no_event_is_a_fault_and_each_is_accounted_for(
    fields, encoding, charset, in_browser, spoiled
):
    with undone():
        account = Account()
        make_contact(email=EMAIL)
        body = encode({**account.credentials, **fields}, encoding)
        if spoiled:
            position, garbage = spoiled
            body = body[:position] + garbage + body[position + len(garbage) :]

        response = account.post(
            body,
            content_type=f"{encoding}; charset={charset}",
            headers=BROWSER if in_browser else {},
        )

        assert_accounted_for(response)
        assert response.json()["success"] in (0, 1)


@given(
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
    content_type=st.sampled_from(
        [FORM, MULTIPART_CONTENT, "application/json", "multipart/form-data", "text/plain", ""]
    )
    | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
)
@examples(150)
def test_no_body_is_a_fault(body, content_type):
    with undone():
        account = Account()
        query = urlencode(account.credentials)

        response = account.post(body, query=query, content_type=content_type)

        assert_accounted_for(response)


@given(query=any_text(max_size=80) | FIELDS.map(lambda fields: urlencode(fields, errors="replace")))
@examples(150)
def test_no_query_is_a_fault(query):
    with undone():
        account = Account()
        make_contact(email=EMAIL)
        sent = f"{urlencode(account.credentials)}&e={EMAIL}&u=x&{query}"
        raw = sent.encode(errors="surrogatepass").decode("latin-1")

        picture = account.http.get("/visit", QUERY_STRING=raw)
        answer = account.http.post("/event", QUERY_STRING=raw)

        assert_accounted_for(answer)
        assert_accounted_for(picture)
        assert picture["Content-Type"] == "image/gif"
