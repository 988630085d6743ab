"""The tab “Destinations” of a contact's page: what has left the hub about it, and where to."""

from django.http import HttpRequest

from adminsite.formatting import EMPTY, link_to
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.models import Contact
from destinations.admin.delivery import STATUS
from destinations.admin.permissions import may_see_deliveries, may_see_destinations
from destinations.leaving import Left, what_left_about
from destinations.models import Delivery

_SHOWN = 50
_OTHERS = {"guid": "GUID", "email_sha256": "hash of the email"}


def _section(request: HttpRequest, contact: Contact) -> SectionContent:
    newest = list(
        Delivery.objects.filter(contact=contact)
        .select_related("destination")
        .defer("payload", "answer")
        .order_by("-created_at", "-id")[: _SHOWN + 1]
    )
    left = what_left_about([contact.pk])
    shows_pages = may_see_destinations(request.user)
    names = [one.destination.name for one in left]
    return SectionContent(
        context={
            "left": [
                (
                    one,
                    link_to(one.destination) if shows_pages else one.destination,
                    _kinds(one),
                    _fields(one),
                )
                for one in left
            ],
            "deliveries": [
                (one, link_to(one, one.get_kind_display()), STATUS(one)) for one in newest[:_SHOWN]
            ],
            "is_cut": len(newest) > _SHOWN,
        },
        count=count_text(len(left)),
        facts=[("Told to", ", ".join(names) or EMPTY)],
    )


def _kinds(left: Left) -> str:
    """Such as “Activity: 12, Changed contact: 1”."""
    return ", ".join(
        f"{Delivery.Kind(kind).label}: {count:,}" for kind, count in left.counts.items()
    )


def _fields(left: Left) -> str:
    return ", ".join(_OTHERS.get(name, name.replace("_", " ")) for name in left.fields)


register_section(
    ContactSection(
        slug="destinations",
        title="Destinations",
        position=28,
        may_see=may_see_deliveries,
        template="destinations/sections/deliveries.html",
        build=_section,
    )
)
