"""What has left the hub about contacts, and what became of the requests to delete it there."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from contacts.profile import FIELDS
from destinations.erasing import GUID_IN_SOURCE, MAY_HAVE_ARRIVED, guid_in_source
from destinations.models import Delivery, Destination

_KIND = Delivery.Kind
_STATUS = Delivery.Status
# A request to delete a contact is about nobody, and a test says nothing of a contact.
_ABOUT_CONTACTS = MAY_HAVE_ARRIVED & ~Q(kind__in=[_KIND.ERASURE, _KIND.TEST])
_EACH_FIELD = "jsonb_array_elements_text(destinations_delivery.contact_fields)"
_AT = Coalesce("attempted_at", "delivered_at", "created_at")
_IN_ORDER = ("guid", "email_sha256", *FIELDS)


@dataclass
class Left:
    """What has left for one destination.

    :ivar counts: by kind (the values of `Delivery.Kind`), how many messages
    :ivar uncertain: how many of these were never confirmed: they may have arrived
    :ivar fields: the fields of the contact that they said, by the model's names; also `guid`, and
        `email_sha256` for the hash of the email
    """

    destination: Destination
    first_at: datetime
    last_at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    uncertain: int = 0
    fields: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many messages."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Request:
    """What became of the request that a destination deletes a contact that was erased here.

    :ivar status: a value of `Delivery.Status`: whether it waits, was delivered, has failed, or
        could not be asked (skipped)
    :ivar reason: of the last two, why, in a sentence
    """

    destination: Destination
    guid: str
    status: str
    reason: str
    at: datetime

    @property
    def is_left_to_users(self) -> bool:
        """Whether the destination was not reached, and a user has to ask for the deletion."""
        return self.status in (_STATUS.SKIPPED, _STATUS.FAILED)


def what_left_about(contact_ids: Collection[int]) -> list[Left]:
    """What may have left the hub about these contacts, by destination; three queries at most.

    The contacts are one person, such as a live contact and those that were merged into it.
    """
    sent = Delivery.objects.filter(_ABOUT_CONTACTS, contact__in=contact_ids)
    found: dict[int, Left] = {}
    rows = sent.values("destination", "kind").annotate(
        count=Count("pk"),
        uncertain=Count("pk", filter=~Q(status=_STATUS.DELIVERED)),
        first_at=Min(_AT),
        last_at=Max(_AT),
    )
    counted = list(rows.order_by("destination", "kind"))
    destinations = Destination._base_manager.in_bulk({row["destination"] for row in counted})
    for row in counted:
        key = row["destination"]
        left = found.setdefault(key, Left(destinations[key], row["first_at"], row["last_at"]))
        left.counts[row["kind"]] = row["count"]
        left.uncertain += row["uncertain"]
        left.first_at = min(left.first_at, row["first_at"])
        left.last_at = max(left.last_at, row["last_at"])
    for key, names in _fields_of(sent).items():
        found[key].fields = [name for name in _IN_ORDER if name in names]
    return sorted(found.values(), key=lambda one: one.destination.name)


def requests_to_delete(guids: Collection[UUID | str]) -> list[Request]:
    """What became of the requests to delete the contacts that had these GUIDs; one query."""
    known = {guid_in_source(guid): str(guid) for guid in guids}
    # Those of earlier versions have the GUID itself.
    known |= {guid: guid for guid in known.values()}
    rows = Delivery.objects.filter(kind=_KIND.ERASURE).annotate(guid=GUID_IN_SOURCE)
    rows = rows.filter(guid__in=list(known))
    return [
        Request(row.destination, known[row.guid], row.status, row.reason, row.created_at)
        for row in rows.select_related("destination").order_by("destination__name", "pk")
    ]


def _fields_of(sent: QuerySet[Delivery]) -> dict[int, set[str]]:
    names = RawSQL(_EACH_FIELD, [])  # noqa: S611 -- of names of our own
    found: dict[int, set[str]] = defaultdict(set)
    for key, name in sent.values_list("destination", names).distinct().order_by():
        found[key].add(name)
    return found
