"""Code to copy that reports activities over the headless tracking API."""

import json
from collections.abc import Sequence
from typing import Any

from activities.models import SystemType
from channels.models import Channel
from web.doors import Lines

_ADDRESS = "https://www.example.com/"
# What an activity of a system type needs besides its type.
_MEMBERS: dict[str, dict[str, Any]] = {
    SystemType.PAGE_VISIT: {"value": "Home", "url": _ADDRESS},
    SystemType.CLICK: {"value": "Home page CTA button"},
    SystemType.DATA_INPUT: {"value": "Form", "contactFields": {"ContactFirstName": "Ada"}},
}


def example_of(type_code_name: str) -> dict[str, Any] | None:
    """An activity of this type as the API takes it; None of landing pages, which the hub finds."""
    if type_code_name == SystemType.LANDING_PAGE:
        return None
    return {"type": type_code_name, **_MEMBERS.get(type_code_name, {"value": "1"})}


def lines(hub: str, channel: Channel, type_code_name: str) -> Sequence[Lines]:
    """A line for a terminal and one in Python."""
    activity = example_of(type_code_name)
    if activity is None:
        return []
    url = f"{hub}/Kentico.Tracking/activities"
    note = (
        "KEY is an API key of the channel for the tracking API, CONTACT the GUID of a contact: "
        "POST /Kentico.Tracking/contacts makes one."
    )
    return [
        Lines(title="curl", code=_curl(url, channel, activity), note=note),
        Lines(title="Python", code=_python(url, channel, activity), note=note),
    ]


def _curl(url: str, channel: Channel, activity: dict[str, Any]) -> str:
    body = {"channel": str(channel.guid), "contact": "$CONTACT", "activities": [activity]}
    # In single quotes of a shell, which end for the variable.
    text = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    text = text.replace('"$CONTACT"', "\"'$CONTACT'\"")
    return (
        f"curl {url} \\\n"
        '  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
        f"  -d '{text}'"
    )


def _python(url: str, channel: Channel, activity: dict[str, Any]) -> str:
    return (
        "requests.post(\n"
        f"    {url!r},\n"
        '    headers={"Authorization": f"Bearer {KEY}"},\n'
        f'    json={{"channel": {str(channel.guid)!r}, "contact": CONTACT,\n'
        f'          "activities": [{activity!r}]}},\n'
        ")"
    )
