"""A program that calls the ActiveCampaign-format API over HTTP."""

import json

from django.test import Client

from tests.factories import make_key

ROOT = "/api/3"


class ApiClient:
    """What a program has: a channel, the text of a key, and HTTP."""

    def __init__(self, channel=None):
        self.key, self.token = make_key(channel, access="activecampaign")
        self.channel = self.key.channel
        self.http = Client(raise_request_exception=False)

    def send(self, method, path, body=b"", *, headers=()):
        """Send `body`: bytes as they are, else as JSON. A header that is None is left out."""
        headers = {"Api-Token": self.token, **dict(headers)}
        response = self.http.generic(
            method,
            f"{ROOT}{path}",
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type="application/json",
            headers={name: value for name, value in headers.items() if value is not None},
        )
        assert response["Content-Type"] == "application/json"
        return response

    def get(self, path, **kwargs):
        return self.send("GET", path, **kwargs)

    def post(self, path, body=b"", **kwargs):
        return self.send("POST", path, body, **kwargs)

    def put(self, path, body=b"", **kwargs):
        return self.send("PUT", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.send("DELETE", path, **kwargs)


def assert_message(response, status, message):
    """`response` has this status, and exactly this message."""
    assert (response.status_code, response.json()) == (status, {"message": message})


def assert_error(response, code, name, title):
    """`response` says that this one member is wrong, as the API does."""
    error = {
        "title": title,
        "detail": "",
        "code": code,
        "source": {"pointer": f"/data/attributes/{name}"},
    }
    assert (response.status_code, response.json()) == (422, {"errors": [error]})
