"""Rows of deliveries, added many at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection

from destinations.models import Delivery
from destinations.queues import note_work

# So much JSON goes to the database at once.
_MOST_CHARACTERS = 4_000_000
# In the order in which they go out. The time is that of the database, which all machines share.
_INSERT = """
INSERT INTO destinations_delivery (destination_id, message_id, kind, source, contact_id, payload,
    contact_fields, status, reason, occurred_at, created_at, due_at, attempts, answer, last_error)
SELECT destination_id, message_id, kind, source, contact_id, payload, contact_fields, status,
    reason, occurred_at, now(), now(), 0, '', ''
FROM json_to_recordset(%s) AS made (n bigint, destination_id bigint, message_id uuid, kind text,
    source text, contact_id bigint, payload jsonb, contact_fields jsonb, status text, reason text,
    occurred_at timestamptz)
ORDER BY n
ON CONFLICT DO NOTHING
"""


@dataclass
class Row:
    """A delivery that is going to be added; its members are those of `Delivery`."""

    destination_id: int
    kind: str
    source: str
    contact_id: int | None
    occurred_at: datetime
    message_id: str = field(default_factory=lambda: str(uuid4()))
    payload: Mapping[str, Any] | None = None
    contact_fields: Sequence[str] = ()
    status: str = Delivery.Status.WAITING
    reason: str = ""

    def skip(self, reason: str) -> None:
        """Have it be one that does not go out, and say why."""
        self.status, self.reason = Delivery.Status.SKIPPED, reason

    def fail(self, reason: str) -> None:
        """Have it be one that could never be delivered, and say why."""
        self.status, self.reason, self.payload = Delivery.Status.FAILED, reason, None


def insert(rows: Sequence[Row]) -> None:
    """Add these, but for what their destinations were told before, and wake a worker.

    Call it inside a transaction, after it has locked the contacts.
    """
    note_work({row.destination_id for row in rows if row.status == Delivery.Status.WAITING})
    with connection.cursor() as cursor:
        for part in _parts({"n": number, **vars(row)} for number, row in enumerate(rows)):
            cursor.execute(_INSERT, [part])


def _parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The rows as JSON, in as few texts as have no more than so many characters."""
    part: list[str] = []
    size = 0
    for row in rows:
        text = json.dumps(row, default=datetime.isoformat)
        if part and size + len(text) > _MOST_CHARACTERS:
            yield f"[{','.join(part)}]"
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield f"[{','.join(part)}]"
