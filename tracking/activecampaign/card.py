"""What “Settings, Tracking” says about the ActiveCampaign format."""

import json
import shlex

from tracking.activecampaign.account import rotate_event_key, switch_event_tracking
from web.doors import Card, Secret, Switch


def _example(hub: str, account_id: str, event_key: str, email: str) -> str:
    fields = {
        "actid": account_id,
        "key": event_key,
        "event": "signed_up",
        "eventdata": "Newsletter",
        "visit": json.dumps({"email": email}),
    }
    parts = [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in fields.items()]
    return " \\\n  ".join([f"curl -X POST {shlex.quote(f'{hub}/event')}", *parts])


CARD = Card(
    addresses=(
        ("/event", "events"),
        ("/visit", "page visits"),
        ("/api/3", "with an API key"),
    ),
    identifier="account_id",
    identifier_name="account ID (actid)",
    secret=Secret(
        slug="event-key",
        name="event key",
        field="event_key",
        parameter="key",
        rotate=rotate_event_key,
        stops=(
            "Every website, app and server that sends ActiveCampaign-format events of this "
            "channel: with the current key they are refused from then on, and "
            "what they send until they have the new one is not recorded later."
        ),
        stays=(
            "The account ID, the API keys for /api/3, and everything that was recorded. "
            "Other channels have keys of their own."
        ),
    ),
    switch=Switch(
        slug="event-tracking",
        field="event_tracking_enabled",
        name="Event tracking",
        turn=switch_event_tracking,
        when_on="Events of this format are logged.",
        when_off="Events of this format are refused. The inspector shows them.",
    ),
    example=_example,
    example_note=(
        "The email has to be one that a contact has: events do not create contacts. Without a "
        "contact that you may see, the line has EMAIL in its place."
    ),
)
