"""The headless tracking API, as the table of doors has it."""

import json

from channels.models import Channel
from tracking.headless.activities import LogActivities
from tracking.headless.authentication import ACCESS
from tracking.views import may_read_of_key
from web.doors import AccessType, Door, with_single_slashes

_ROOT = "/Kentico.Tracking"
# Which segments of a path below it are fixed words; the others are values.
_FIXED_SEGMENTS = (0, 2)


def _spell(path: str) -> str:
    segments = with_single_slashes(path).split("/")[2:]
    for index in _FIXED_SEGMENTS:
        if index < len(segments):
            segments[index] = segments[index].lower()
    return "/".join([_ROOT, *segments])


def _example(hub: str, key: str, channel: Channel) -> str:
    url = f"{hub}{_ROOT}"
    header = f"-H 'Authorization: Bearer {key}'"
    body = {
        "channel": str(channel.guid),
        "contact": "'$CONTACT'",
        "activities": [{"type": "pagevisit", "value": "Home", "url": "https://www.example.com/"}],
    }
    return (
        f"CONTACT=$(curl -s -X POST {url}/contacts {header} | grep -oE '[0-9a-f-]{{36}}')\n"
        f"curl {url}/activities {header} -H 'Content-Type: application/json' "
        f"-d '{json.dumps(body)}'"
    )


DOOR = Door(
    name="headless",
    title="Tracking API",
    urls=["tracking.headless.urls"],
    paths=[_ROOT.lower()],
    spell=_spell,
    exchanges={("POST", f"{_ROOT}/activities"): LogActivities},
    may_read=may_read_of_key,
    access=AccessType(
        value=ACCESS,
        label="Tracking API",
        place=_ROOT,
        example=_example,
        example_note="It creates a contact and records its first page visit.",
    ),
)
