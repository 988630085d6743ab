"""When a contact is erased, the destinations that got something about it are asked to delete it.

They are told the GUIDs that the contact had, and nothing else. What cannot be asked is kept as a
delivery that was skipped, with the reason, so that a user can do it by other means. One that was
delivered forgets the GUID (`noting.py`).
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Func, Q, TextField, Value
from django.utils import timezone

from contacts.erased_names import Names
from contacts.models import Contact
from destinations.adding import Row, insert
from destinations.finding import destinations_to_tell
from destinations.kinds import kind_of
from destinations.making import DRY
from destinations.messages import Message
from destinations.models import Delivery, Destination

_log = logging.getLogger(__name__)

# What may have reached its destination: an attempt without an answer may have, too, and what waits
# to be sent again.
MAY_HAVE_ARRIVED = Q(attempted_at__isnull=False)
# Locked in the order in which workers mark them and note what came of them.
_FORGET_SENDERS = """
WITH owner AS (
    SELECT DISTINCT contact.id, contact.guid::text
    FROM activities_datainput AS input JOIN contacts_contact AS contact
        ON contact.id = input.contact_id
    WHERE input.sent_by_id = ANY(%(ids)s) AND input.contact_id <> ALL(%(ids)s)
), locked AS (
    SELECT delivery.id, owner.guid
    FROM destinations_delivery AS delivery JOIN owner ON owner.id = delivery.contact_id
    WHERE concat_ws(' ', delivery.payload, delivery.answer, delivery.last_error, delivery.reason)
        ~* %(guids)s
    ORDER BY delivery.id FOR NO KEY UPDATE OF delivery
)
UPDATE destinations_delivery AS delivery SET
    payload = regexp_replace(payload::text, %(guids)s, guid, 'gi')::jsonb,
    answer = regexp_replace(answer, %(guids)s, guid, 'gi'),
    last_error = regexp_replace(last_error, %(guids)s, guid, 'gi'),
    reason = regexp_replace(reason, %(guids)s, guid, 'gi')
FROM locked WHERE locked.id = delivery.id
"""
_ASK = "Ask for the deletion by other means."
SWITCHED_OFF = f"The destination is switched off. {_ASK}"
NO_WAY = f"Destinations of this kind cannot be asked to delete a contact. {_ASK}"
IS_DRY = f"{DRY} {_ASK}"


def source_of(contact: Contact) -> str:
    """The source of the deliveries that ask to delete this contact: it has a hash of the GUID.

    It has the id besides: an erased GUID may come back, as another contact, and be erased again.
    """
    return f"erasure:{guid_in_source(contact.guid)}:{contact.pk}"


def guid_in_source(guid: UUID | str) -> str:
    """What such a source has of a GUID: the hash by which the hub keeps the names of the erased."""
    ((_, digest),) = Names(guids=[str(guid)]).digests()
    return digest


# The GUID in such a source, hashed; in those of before as it was.
GUID_IN_SOURCE = Func(
    F("source"), Value(":"), Value(2), function="split_part", output_field=TextField()
)


def ask_to_delete(records: Sequence[Contact]) -> None:
    """Ask the destinations to delete these contacts, which are one person and about to be erased.

    The contacts are locked. Each destination that anything about one of them may have reached gets
    a delivery for each GUID, whatever the contact has agreed to, and also while it is paused. What
    is told of other contacts forgets these, who sent it.
    """
    of_them = Delivery.objects.filter(contact__in=records)
    # A worker that is about to send one has marked it, and we cannot see that before it commits.
    untried = of_them.exclude(MAY_HAVE_ARRIVED).order_by("pk").select_for_update(no_key=True)
    list(untried.values_list("pk", flat=True))
    told = of_them.filter(MAY_HAVE_ARRIVED)
    destinations = destinations_to_tell().filter(pk__in=told.values("destination")).order_by("pk")
    now = timezone.now()
    _forget_senders(records)
    insert([_row(one, contact, now) for one in destinations for contact in records])


def _forget_senders(records: Sequence[Contact]) -> None:
    """Take the GUIDs of these contacts out of what is told of others for whom they sent something.

    There they become the GUID of the other one, as in the activities themselves.
    """
    ids = [contact.pk for contact in records]
    guids = "|".join(str(contact.guid).replace("-", "-?") for contact in records)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_SENDERS, {"ids": ids, "guids": guids})


def _row(destination: Destination, contact: Contact, now: datetime) -> Row:
    guid = str(contact.guid)
    row = Row(destination.pk, Delivery.Kind.ERASURE, source_of(contact), None, now)
    message = Message(UUID(row.message_id), row.kind, now, {"guid": guid}, {})
    row.payload = _payload(destination, message)
    if row.payload is None:
        row.skip(NO_WAY)
    elif not destination.enabled:
        row.skip(SWITCHED_OFF)
    elif destination.dry:
        row.skip(IS_DRY)
    else:
        row.contact_fields = ["guid"]
    return row


def _payload(destination: Destination, message: Message) -> dict[str, Any] | None:
    try:
        return kind_of(destination).erasure(destination, message)
    except Exception:  # of one destination: the contact is erased here in any case
        _log.exception("Destination %s cannot be asked to delete a contact.", destination.pk)
        return None
