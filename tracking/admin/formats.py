"""What “Settings, Tracking” says about the formats that a channel takes events in."""

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from activities.doors import name_of_door
from activities.models import ActivityType
from channels.models import Channel
from channels.rotating import rotate_event_key, rotate_source_key


@dataclass(frozen=True)
class Secret:
    """A key that senders show, and that can be replaced by a new one."""

    slug: str
    field: str
    parameter: str
    rotate: Callable[[Channel], None]
    stops: str
    stays: str

    @property
    def name(self) -> str:
        """What people call it, such as “event key”."""
        return label_of(self.field)


@dataclass(frozen=True)
class Switch:
    """What is on or off on a channel."""

    slug: str
    field: str
    name: str
    turn: Callable[..., None]
    when_on: str
    when_off: str

    def is_on(self, channel: Channel) -> bool:
        """Whether it is on for `channel`."""
        return getattr(channel, self.field)

    def explain(self, channel: Channel) -> str:
        """What it means for `channel` that this is on or off."""
        return self.when_on if self.is_on(channel) else self.when_off


@dataclass(frozen=True)
class Format:
    """A wire format in which a channel takes events; `example` makes a line for a terminal.

    `addresses` are paths, with what they take.
    """

    door: str
    addresses: Sequence[tuple[str, str]]
    identifier: str
    secret: Secret
    switch: Switch
    example: Callable[[str, str, str, str], str]
    example_note: str

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{name_of_door(self.door)} format"


def label_of(field: str) -> str:
    """What people call this field of a channel."""
    return str(Channel._meta.get_field(field).verbose_name)  # type: ignore[union-attr]


def _activecampaign_example(hub: str, account_id: str, event_key: str, email: str) -> str:
    fields = {
        "actid": account_id,
        "key": event_key,
        "event": "signed_up",
        "eventdata": "Newsletter",
        "visit": json.dumps({"email": email}),
    }
    parts = [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in fields.items()]
    return " \\\n  ".join([f"curl -X POST {shlex.quote(f'{hub}/event')}", *parts])


def _commandersact_example(hub: str, site_id: str, source_key: str, _email: str) -> str:
    # It says what somebody agreed to: that is nothing to try with a contact who is a person.
    query = urlencode({"tc_s": site_id, "token": source_key})
    event = {
        "event_name": "page_view",
        "page_type": "home",
        "page_name": "Home",
        "user": {"email": "ada.lovelace@example.com", "consent_categories": ["1"]},
        "context": {
            # The shell puts the time in: an event of one id counts once, however often it is sent.
            "event_id": "test-'$(date +%s)'",
            "event_timestamp": "'$(date +%s)'000",
            "test_code": "my-first-event",
        },
    }
    return " \\\n  ".join(
        [
            f"curl -X POST {shlex.quote(f'{hub}/events?{query}')}",
            "-H 'Content-Type: application/json'",
            f"-d '{json.dumps(event)}'",
        ]
    )


FORMATS = (
    Format(
        door=ActivityType.Door.ACTIVECAMPAIGN,
        addresses=(
            ("/event", "events"),
            ("/visit", "page visits"),
            ("/api/3", "with an API key"),
        ),
        identifier="account_id",
        secret=Secret(
            slug="event-key",
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
            turn=Channel.switch_event_tracking,
            when_on="Events of this format are logged.",
            when_off="Events of this format are refused. The inspector shows them.",
        ),
        example=_activecampaign_example,
        example_note=(
            "The email has to be one that a contact has: events do not create contacts. Without a "
            "contact that you may see, the line has EMAIL in its place."
        ),
    ),
    Format(
        door=ActivityType.Door.COMMANDERSACT,
        addresses=(
            ("/events", "one event"),
            ("/events/batch", "a batch"),
        ),
        identifier="site_id",
        secret=Secret(
            slug="source-key",
            field="source_key",
            parameter="token",
            rotate=rotate_source_key,
            stops=(
                "Every website, app and server that sends Commanders Act-format events of this "
                "channel: with the current key they are refused from then on. Nobody "
                "tells them, since the format answers 200 to everything, and what they send "
                "until they have the new one is not recorded later."
            ),
            stays=(
                "The site ID, the API keys for the Config API, the browsers and users that are "
                "known by now, and everything that was recorded."
            ),
        ),
        switch=Switch(
            slug="source",
            field="source_enabled",
            name="Source",
            turn=Channel.switch_source,
            when_on="Events of this format are recorded.",
            when_off="Events of this format are refused. The inspector shows them.",
        ),
        example=_commandersact_example,
        example_note=(
            "The answer is 200 in any case: the inspector has what became of it under its test "
            "code."
        ),
    ),
)
SECRETS = {one.secret.slug: one.secret for one in FORMATS}
SWITCHES = {one.switch.slug: one.switch for one in FORMATS}
