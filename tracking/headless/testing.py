"""Sending a test through the headless tracking API, as an application would."""

import json
from datetime import timedelta

from django.utils import timezone

from channels.keys import create_api_key
from channels.models import Channel
from contacts.changes import create_anonymous
from tracking.headless.activities import LogActivities
from tracking.headless.authentication import TRACKING
from tracking.headless.examples import example_of
from web.doors import Tested
from web.exchanges import finish_answer
from web.requests import Request

_PATH = "/Kentico.Tracking/activities"
_TEST_CODE = "sent-by-the-admin"
_KEY_LIVES = timedelta(minutes=1)


def send_test(host: str, channel: Channel, type_code_name: str, contact_guid: str = "") -> Tested:
    """Log an activity of this type, marked as a test, of this contact or of a new, anonymous one.

    The request is one that an application could have sent, with a key that is made for it.
    """
    contact_guid = contact_guid or str(create_anonymous().guid)
    activity = {**(example_of(type_code_name) or {"type": type_code_name}), "testCode": _TEST_CODE}
    body = {"channel": str(channel.guid), "contact": contact_guid, "activities": [activity]}
    key, text = create_api_key(
        channel, name="A test", access=TRACKING, expires_at=timezone.now() + _KEY_LIVES
    )
    try:
        request = Request(
            "POST",
            _PATH,
            "",
            {"host": host, "authorization": f"Bearer {text}", "content-type": "application/json"},
            json.dumps(body).encode(),
        )
        answer = finish_answer(LogActivities(request))
    finally:
        key.delete()
    return Tested(
        sent=f"POST {_PATH}\n\n{json.dumps(body, indent=2, ensure_ascii=False)}",
        status=answer.status,
        answer=_readable(answer.body),
        request_id=request.id,
        contact_guid=contact_guid,
    )


def _readable(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode(errors="replace")
