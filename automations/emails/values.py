"""What texts with places say of contacts: finding the values, and filling them in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from activities.models import ActivityType
from automations.emails.budget import Budget
from automations.emails.errors import CannotRender, Missing
from automations.emails.known import EventValue, Filling, Values, event_key
from automations.emails.personalising import Escape, read_text
from contacts.models import Contact
from contacts.profile import fields_of, texts_of

__all__ = [
    "CannotRender",
    "EventValue",
    "Missing",
    "Values",
    "event_data",
    "event_names_in",
    "fill",
    "values_of",
]

# The latest activity of each contact and type that is asked for.
_LATEST = """
    SELECT asked.contact_id, asked.name, latest.value, latest.properties ->> 'eventdata'
    FROM (
        SELECT contact_id, type_id, name
        FROM unnest(%s::bigint[]) AS contact_id,
            unnest(%s::bigint[], %s::text[]) AS named (type_id, name)
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT value, properties FROM activities_activity AS a
        WHERE a.contact_id = asked.contact_id AND a.type_id = asked.type_id
        ORDER BY occurred_at DESC, id DESC LIMIT 1
    ) AS latest
"""


def event_data(value: str, properties: Any) -> str:
    """What `%EVENT: name%` stands for, of an activity with this value and these properties.

    That is the whole event data if its format has it, also what was too long for a value.
    """
    given = properties.get("eventdata") if isinstance(properties, dict) else None
    return given if isinstance(given, str) and given else value


def values_of(
    contacts: Sequence[Contact], names: Collection[str], events: Mapping[int, EventValue]
) -> dict[int, Values]:
    """What texts know of each of these contacts, by the contact's id.

    :param names: the events that the texts name, as `event_names_in` finds them
    :param events: by the contact's id, the event that let it in. A contact with several runs has
        none here: `Values.of_run` adds the event of each.
    """
    latest = _latest_data([contact.pk for contact in contacts], names)
    found = {
        contact.pk: Values(texts_of(fields_of(contact)), latest.get(contact.pk, {}))
        for contact in contacts
    }
    for contact_id, event in events.items():
        if contact_id in found:
            found[contact_id] = found[contact_id].of_run(event)
    return found


def fill(text: str, values: Values, escape: Escape = "none") -> str:
    """`text`, which may have places, with these values.

    :param escape: where it will stand: as it is, in HTML, or as a whole URL
    :raises Missing: if a value is not there, and has no default
    :raises CannotRender: if it cannot be filled
    """
    return read_text(text, escape).fill(Filling(values), Budget())


def event_names_in(text: str) -> frozenset[str]:
    """The names of the events that `text` has places for.

    :raises CannotRender: if it cannot be read
    """
    return read_text(text, "none").events


def _latest_data(contact_ids: list[int], names: Collection[str]) -> dict[int, dict[str, str]]:
    types = list(_types_called(names)) if contact_ids else []
    if not types:
        return {}
    found: dict[int, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [contact_ids, [pk for pk, _ in types], [key for _, key in types]])
        for contact_id, key, value, data in cursor.fetchall():
            found.setdefault(contact_id, {})[key] = data or value
    return found


def _types_called(names: Collection[str]) -> Iterator[tuple[int, str]]:
    asked = {event_key(name) for name in names}
    if asked:
        for pk, code_name in ActivityType.objects.values_list("pk", "code_name"):
            if (key := event_key(code_name)) in asked:
                yield pk, key
