"""The read API, as the table of doors has it."""

from functools import partial

from channels.models import Channel
from tracking.reading.authentication import READ
from web.doors import AccessType, Door, spell_below

_ROOT = "/hub/v1"
# Which segments of a path below it are fixed words; the others are values.
_FIXED_SEGMENTS = (0, 2)


def _example(hub: str, key: str, channel: Channel) -> str:
    header = f"-H 'Authorization: Bearer {key}'"
    return (
        f"curl '{hub}{_ROOT}/contacts?limit=10' {header}\n"
        f"curl {hub}{_ROOT}/contacts/$CONTACT/timeline {header}"
    )


DOOR = Door(
    name="read",
    title="Read API",
    urls=["tracking.reading.urls"],
    paths=[_ROOT],
    spell=partial(spell_below, _ROOT, _FIXED_SEGMENTS),
    access_types=[
        AccessType(
            value=READ,
            label="Read API",
            place=_ROOT,
            example=_example,
            example_note=(
                "It reads ten contacts, and the timeline of the one whose GUID is in $CONTACT. "
                "Such a key reads all personal data of the hub: keep it on a server."
            ),
        ),
    ],
)
