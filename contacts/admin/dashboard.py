"""What the dashboard says about contacts and their merges."""

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from adminsite.counting import estimated_rows
from adminsite.dashboard import CardContent, DashboardCard, Figure, register_card
from adminsite.formatting import changelist_url
from contacts.admin.navigation import merges_to_decide
from contacts.admin.permissions import may_see_contacts, may_see_merges
from contacts.models import Contact

# Up to here contacts are counted one by one.
_EXACT_CONTACTS = 100_000


def _contacts(request: HttpRequest) -> CardContent:
    total, about = estimated_rows(Contact._meta.db_table), "about "
    if total > _EXACT_CONTACTS:
        known = estimated_rows("one_live_contact_per_email")
    else:
        counts = Contact.objects.live().aggregate(
            total=Count("pk"), known=Count("pk", filter=~Q(email=""))
        )
        total, known, about = counts["total"], counts["known"], ""
    figure = Figure(
        name="Contacts",
        icon="group",
        value=f"{about}{total:,}",
        note=f"{about}{known:,} known by email",
        url=changelist_url(Contact),
    )
    return CardContent(figures=[figure])


def _merges(request: HttpRequest) -> CardContent:
    waiting = merges_to_decide()
    figure = Figure(
        name="Merges to decide",
        icon="merge",
        value=f"{waiting:,}",
        note="Contacts who may be one person" if waiting else "Nothing needs you",
        url=reverse("admin:contacts_contactmerge_decisions"),
        is_urgent=waiting > 0,
    )
    return CardContent(figures=[figure])


register_card(DashboardCard(position=70, may_see=may_see_contacts, build=_contacts))
register_card(DashboardCard(position=71, may_see=may_see_merges, build=_merges))
