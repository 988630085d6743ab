"""What other systems were told of a contact, in its timeline."""

from collections.abc import Iterator

from django.db.models import QuerySet

from adminsite.formatting import link_to
from adminsite.permissions import AnyUser
from contacts.admin.timeline import Entry, EntryKind, register_entries, searching
from contacts.models import Contact
from destinations.admin.delivery import STATUS
from destinations.admin.permissions import may_see_deliveries
from destinations.models import Delivery


def _deliveries_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    return [contact.deliveries.select_related("destination").defer("payload", "answer")]


def _entries(contact: Contact, deliveries: list[Delivery], user: AnyUser) -> Iterator[Entry]:
    for delivery in deliveries:
        yield Entry(
            row=delivery,
            icon="local_shipping",
            label="Delivery",
            shown={
                "link": link_to(delivery, delivery.get_kind_display()),
                "status": STATUS(delivery),
            },
        )


register_entries(
    EntryKind(
        name="deliveries",
        title="Deliveries",
        position=39,
        may_see=may_see_deliveries,
        rows=_deliveries_of,
        at="created_at",
        describe=_entries,
        template="destinations/timeline/delivery.html",
        search=searching("destination__name"),
    )
)
