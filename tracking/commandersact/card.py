"""What “Settings, Tracking” says about the Commanders Act format."""

import json
import shlex
from urllib.parse import urlencode

from tracking.commandersact.source import rotate_source_key, switch_source
from tracking.permissions import may_see_consent_categories, may_see_user_properties
from web.doors import Card, Secret, Switch


def _example(hub: str, site_id: str, source_key: str, _email: str) -> str:
    # It records what a contact agreed to: not to be tried with one who is a person.
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


CARD = Card(
    addresses=(
        ("/events", "one event"),
        ("/events/batch", "a batch"),
    ),
    identifier="site_id",
    identifier_name="site ID (tc_s)",
    secret=Secret(
        slug="source-key",
        name="source key",
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
        turn=switch_source,
        when_on="Events of this format are recorded.",
        when_off="Events of this format are refused. The inspector shows them.",
    ),
    example=_example,
    example_note=(
        "The answer is 200 in any case: the inspector has what became of it under its test code."
    ),
    pages=(
        (
            "User properties",
            "admin:tracking_userproperty_changelist",
            may_see_user_properties,
        ),
        (
            "Consent categories",
            "admin:tracking_consentcategory_changelist",
            may_see_consent_categories,
        ),
    ),
)
