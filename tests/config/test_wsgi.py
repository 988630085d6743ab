"""Bodies without a Content-Length, as clients send them in chunks."""

import io
import json

import pytest

from config.wsgi import application
from tests.factories import make_contact, make_key


def post_in_chunks(body, key):
    """Call the WSGI application as a server does for a chunked body; return status and answer."""
    answer = {}
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/Kentico.Tracking/activities",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    chunks = application(environ, lambda status, headers: answer.update(status=status))
    return answer["status"], json.loads(b"".join(chunks))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_chunked_body_is_read():
    key, text = make_key()
    body = {
        "channel": str(key.channel.guid),
        "contact": str(make_contact().guid),
        "activities": [{"type": "click", "value": "Buy"}],
    }

    status, answer = post_in_chunks(json.dumps(body).encode(), text)

    assert (status, answer) == ("207 Multi-Status", {"results": [{"status": 202}]})


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_chunked_body_that_is_too_large_is_refused(settings):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    _, text = make_key()

    status, answer = post_in_chunks(b" " * 1001, text)

    assert status == "413 Request Entity Too Large"
    assert answer["code"] == "too_large"
