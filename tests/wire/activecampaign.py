"""A website, app or server that sends ActiveCampaign-format events, over HTTP."""

import json
from urllib.parse import urlencode

from django.test import Client
from django.test.client import BOUNDARY, encode_multipart

from activities.models import Activity, RejectedActivity
from tests.factories import make_channel, make_contact

FORM = "application/x-www-form-urlencoded"
EMAIL = "ada@example.com"
VISIT = json.dumps({"email": EMAIL})
SPAWNED = b'{"success":1,"message":"Event spawned"}'


class Account:
    """What an account has: a channel with an account ID and an event key, and HTTP."""

    def __init__(self, channel=None, **channel_fields):
        self.channel = channel or make_channel(**channel_fields)
        self.http = Client(raise_request_exception=False)

    @property
    def credentials(self):
        return {"actid": self.channel.account_id, "key": self.channel.event_key}

    def form(self, **changes):
        """The fields of an event; one that is None is left out."""
        fields = {**self.credentials, "event": "file download request", "visit": VISIT, **changes}
        return {name: value for name, value in fields.items() if value is not None}

    def post(self, fields, *, query="", content_type=FORM, headers=()):
        """POST `fields`: bytes as they are, else urlencoded."""
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        return self.http.generic(
            "POST", f"/event?{query}", body, content_type=content_type, headers=dict(headers)
        )

    def send(self, **changes):
        """Send one event of a contact who exists by now, and return its activity."""
        make_contact(email=EMAIL)
        return activity_of(self.post(self.form(**changes)))


def multipart(fields):
    """The body of a form that is sent as MULTIPART_CONTENT."""
    return encode_multipart(BOUNDARY, fields)


def activity_of(response):
    """The one activity that `response` was the answer to."""
    assert (response.status_code, response.content) == (200, SPAWNED)
    rejections = RejectedActivity.objects.filter(request_id=response["Request-Id"])
    assert [row.reason for row in rejections] == []
    return Activity.objects.get(request_id=response["Request-Id"])
