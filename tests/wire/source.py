"""A website, app or server that sends Commanders Act-format events, over HTTP."""

import json
from urllib.parse import urlencode

from django.test import Client

from activities.models import Activity, RejectedActivity
from tests.factories import make_channel

# As a page in a browser sends it.
BROWSER = {"Origin": "https://shop.example", "User-Agent": "Mozilla/5.0 Firefox/140.0"}


class EventSource:
    """What a source has: a channel with a site id and a source key, and HTTP."""

    def __init__(self, channel=None, **channel_fields):
        self.channel = channel or make_channel(**channel_fields)
        self.http = Client(raise_request_exception=False)

    @property
    def credentials(self):
        return {"tc_s": self.channel.site_id, "token": self.channel.source_key}

    def post(
        self, body, path="/events", *, query=None, content_type="application/json", headers=()
    ):
        """POST `body`: bytes as they are, else as JSON; `query` instead of the credentials."""
        query = urlencode(self.credentials) if query is None else query
        return self.http.post(
            f"{path}?{query}",
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type=content_type,
            headers=dict(headers),
        )

    def post_batch(self, *events, **kwargs):
        return self.post({"batch": list(events)}, "/events/batch", **kwargs)

    def send(self, event, **kwargs):
        """Send one event that is to be recorded, and return its activity."""
        response = self.post(event, **kwargs)
        assert response.status_code == 200, response.content
        rejections = RejectedActivity.objects.filter(request_id=response["Request-Id"])
        refused = rejections.exclude(status__in=["invalid_accepted", "valid"])
        assert [row.reason for row in refused] == []
        return Activity.objects.get(request_id=response["Request-Id"])


def event(name="purchase", *, user=None, context=None, **properties):
    """An event in the shape of version 2, of a browser that is called “browser-1”."""
    return {
        "event_name": name,
        **properties,
        "user": {"consistent_anonymous_id": "browser-1", **(user or {})},
        **({"context": context} if context is not None else {}),
    }


def query_of(source, **changes):
    return urlencode({**source.credentials, **changes})
