"""When the undo of an import removes contacts, destinations that heard of them are told."""

from collections.abc import Sequence

from contacts.models import Contact
from database.lookups import Among
from destinations.erasing import MAY_HAVE_ARRIVED, ask_to_delete
from destinations.models import Delivery


def tell_destinations(contact_ids: Sequence[int]) -> None:
    """Ask destinations to delete these contacts; what was not sent of them yet, is not sent."""
    told = Delivery.objects.filter(Among("contact", contact_ids))
    heard = set(told.filter(MAY_HAVE_ARRIVED).values_list("contact_id", flat=True))
    if heard:
        ask_to_delete(list(Contact.objects.filter(pk__in=heard)))
    told.exclude(MAY_HAVE_ARRIVED).delete()
    told.update(payload=None)
