"""The headless tracking API, as the table of doors has it."""

import json
from functools import partial

from channels.models import Channel
from tracking.headless.activities import LogActivities
from tracking.headless.authentication import AUTOMATION, GROUPS, TRACKING
from tracking.headless.examples import lines
from tracking.headless.groups import GroupsOfContact
from tracking.headless.replaying import read_again
from tracking.headless.testing import send_test
from tracking.views import may_read_of_key
from web.doors import AccessType, Door, spell_below

_ROOT = "/Kentico.Tracking"
# Which segments of a path below it are fixed words; the others are values.
_FIXED_SEGMENTS = (0, 2)


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


def _groups_example(hub: str, key: str, channel: Channel) -> str:
    return f"curl {hub}{_ROOT}/contacts/$CONTACT/groups -H 'Authorization: Bearer {key}'"


def _automation_example(hub: str, key: str, channel: Channel) -> str:
    return (
        f"curl {hub}{_ROOT}/automations/CODE_NAME/runs -H 'Authorization: Bearer {key}' "
        "-H 'Content-Type: application/json' -d '{\"contact\": \"'$CONTACT'\"}'"
    )


DOOR = Door(
    name="headless",
    title="Tracking API",
    urls=["tracking.headless.urls"],
    paths=[_ROOT.lower()],
    spell=partial(spell_below, _ROOT, _FIXED_SEGMENTS),
    exchanges={
        ("POST", f"{_ROOT}/activities"): LogActivities,
        ("GET", f"{_ROOT}/contacts/{{contact_guid}}/groups"): GroupsOfContact,
        ("HEAD", f"{_ROOT}/contacts/{{contact_guid}}/groups"): GroupsOfContact,
    },
    may_read=may_read_of_key,
    read_again=read_again,
    lines=lines,
    send_test=send_test,
    access_types=[
        AccessType(
            value=TRACKING,
            label="Tracking API",
            place=_ROOT,
            example=_example,
            example_note="It creates a contact and records its first page visit.",
        ),
        AccessType(
            value=GROUPS,
            label="Contact groups",
            place=f"{_ROOT}/contacts/GUID/groups",
            example=_groups_example,
            example_note="It tells the groups of the contact whose GUID is in $CONTACT.",
        ),
        AccessType(
            value=AUTOMATION,
            label="Automations",
            place=f"{_ROOT}/automations/CODE_NAME/runs",
            example=_automation_example,
            example_note="It lets the contact whose GUID is in $CONTACT into an automation.",
        ),
    ],
)
