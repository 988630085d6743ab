"""When a contact is erased, the destinations that got something about it are asked to delete it.

They are told the GUIDs that the contact had, and nothing else. What cannot be asked is kept as a
delivery that was skipped, with the reason, so that a user can do it by other means. One that was
delivered forgets the GUID (`noting.py`), and one that was not does so after KEPT_FOR.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Func, Q, TextField, Value, When
from django.db.models.functions import Concat, Trim
from django.utils import timezone

from contacts.erased_names import Names
from contacts.models import Contact
from contacts.records import people_of, spelled_guids
from database.lookups import Among
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
    SELECT contact.id, contact.guid::text, string_agg(DISTINCT sender.guids, '|') AS guids
    FROM unnest(%(ids)s::bigint[], %(guids)s::text[]) AS sender (id, guids)
    JOIN activities_datainput AS input ON input.sent_by_id = sender.id
    JOIN contacts_contact AS contact ON contact.id = input.contact_id
    WHERE input.contact_id <> ALL(%(ids)s::bigint[])
    GROUP BY contact.id
), locked AS (
    SELECT delivery.id, owner.guid, owner.guids
    FROM destinations_delivery AS delivery JOIN owner ON owner.id = delivery.contact_id
    WHERE concat_ws(' ', delivery.payload, delivery.answer, delivery.last_error, delivery.reason)
        ~* owner.guids
    ORDER BY delivery.id FOR NO KEY UPDATE OF delivery
)
UPDATE destinations_delivery AS delivery SET
    payload = regexp_replace(payload::text, guids, guid, 'gi')::jsonb,
    answer = regexp_replace(answer, guids, guid, 'gi'),
    last_error = regexp_replace(last_error, guids, guid, 'gi'),
    reason = regexp_replace(reason, guids, guid, 'gi')
FROM locked WHERE locked.id = delivery.id
"""
_ASK = "Ask for the deletion by other means."
SWITCHED_OFF = f"The destination is switched off. {_ASK}"
NO_WAY = f"Destinations of this kind cannot be asked to delete a contact. {_ASK}"
IS_DRY = f"{DRY} {_ASK}"
# A request to delete names the person until it is delivered. It is tried for three days, and then a
# user may send it again, or resume the destination.
KEPT_FOR = timedelta(days=30)
GIVEN_UP = f"After {KEPT_FOR.days} days the hub has forgotten whom it was about. {_ASK}"
_GIVEN_UP_AT_ONCE = 10_000


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
    """Ask the destinations to delete these contacts, which are about to be erased.

    The contacts are locked. Each destination that anything about a person may have reached gets a
    delivery for each GUID of that person, whatever the person has agreed to, and also while it is
    paused. What is told of other contacts forgets these, who sent it.
    """
    of_them = Delivery.objects.filter(contact__in=records)
    # A worker that is about to send one has marked it, and we cannot see that before it commits.
    untried = of_them.exclude(MAY_HAVE_ARRIVED).order_by("pk").select_for_update(no_key=True)
    list(untried.values_list("pk", flat=True))
    told: dict[int, set[int]] = defaultdict(set)
    rows = of_them.filter(MAY_HAVE_ARRIVED).values_list("destination", "contact")
    for destination_id, contact_id in rows.distinct():
        told[destination_id].add(contact_id)
    destinations = destinations_to_tell().filter(pk__in=list(told)).order_by("pk")
    now = timezone.now()
    _forget_senders(records)
    people = people_of(records)
    insert(
        [
            _row(one, contact, now)
            for one in destinations
            for person in people
            if not told[one.pk].isdisjoint(contact.pk for contact in person)
            for contact in person
        ]
    )


@transaction.atomic
def give_up_old_requests() -> int:
    """Forget whom requests to delete are about that did not arrive in time; how many these are.

    Those that still wait have failed then. That they were there stays, and why they did not arrive.
    """
    old = Delivery.objects.filter(
        kind=Delivery.Kind.ERASURE,
        created_at__lt=timezone.now() - KEPT_FOR,
        payload__isnull=False,
    )
    # In the order in which workers lock them; one that is being noted now is for the next time.
    locked = old.order_by("pk").select_for_update(no_key=True, skip_locked=True)
    keys = list(locked.values_list("pk", flat=True)[:_GIVEN_UP_AT_ONCE])
    has_failed = Case(
        When(status=Delivery.Status.WAITING, then=Value(Delivery.Status.FAILED)),
        default=F("status"),
    )
    why = Case(
        When(status=Delivery.Status.DELIVERED, then=F("reason")),
        default=Trim(Concat(F("reason"), Value(f" {GIVEN_UP}"), output_field=TextField())),
    )
    return Delivery.objects.filter(Among("pk", keys)).update(
        status=has_failed, reason=why, payload=None, answer="", last_error=""
    )


def _forget_senders(records: Sequence[Contact]) -> None:
    """Take the GUIDs of these contacts out of what is told of others for whom they sent something.

    There they become the GUID of the other one, as in the activities themselves.
    """
    guids = spelled_guids(records)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_SENDERS, {"ids": list(guids), "guids": list(guids.values())})


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
