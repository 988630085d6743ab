"""Where requests of persons are found: the sidebar, tabs and links of their list, the dashboard."""

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    DashboardCard,
    Figure,
    counted,
    register_card,
)
from adminsite.formatting import change_url, changelist_url
from adminsite.navigation import (
    ListLink,
    SidebarItem,
    register_item,
    register_list_link,
    register_tabs,
)
from adminsite.words import narrowing
from privacy.admin.permissions import may_see_requests
from privacy.admin.request_filters import SOON, due_soon
from privacy.admin.requests import person
from privacy.models import PersonRequest
from privacy.requests.due import left_in_words, today

_SHOWN = 5


def requests_due() -> int:
    """How many requests are overdue, or due within seven days."""
    return due_soon(PersonRequest.objects.all()).count()


def _register_url(request: HttpRequest) -> str:
    url = reverse("admin:privacy_personrequest_register")
    query = narrowing(request.GET)
    return f"{url}?{query}" if query else url


def _card(request: HttpRequest) -> CardContent:
    open_ones = PersonRequest.objects.open()
    counts = open_ones.aggregate(
        count=Count("pk"),
        late=Count("pk", filter=Q(due_on__lt=today())),
        soon=Count("pk", filter=Q(due_on__lte=today() + SOON)),
    )
    count, late, soon = counts["count"], counts["late"], counts["soon"]
    note = "Nothing needs you"
    if late:
        note = f"{late:,} overdue"
    elif soon:
        note = f"{soon:,} due within 7 days"
    elif count:
        note = "None is due within 7 days"
    rows = open_ones.prefetch_related("live_contact").order_by("due_on", "pk")[:_SHOWN]
    return CardContent(
        figures=[
            Figure(
                name="Requests of persons",
                icon="contact_support",
                value=f"{count:,}",
                note=note,
                url=changelist_url(PersonRequest, "status__exact=open"),
                is_urgent=soon > 0,
            )
        ],
        lists=[
            BarList(
                title="Requests of persons by due date",
                bars=[_bar(row) for row in rows],
                empty="No request is open.",
                note="The longer a bar, the more of the time has passed.",
            )
        ]
        if count
        else [],
        said=f"{counted(late, 'request of a person is', 'requests of persons are')} overdue"
        if late
        else "",
    )


def _bar(row: PersonRequest) -> Bar:
    days = (row.due_on - row.received_on).days
    passed = min(100 * (today() - row.received_on).days // days, 100)
    return Bar(
        name=f"{row.get_kind_display()}: {person(row)}",
        count=passed,
        url=change_url(row),
        text=left_in_words(row.due_on),
    )


register_item(
    SidebarItem(
        group="Privacy",
        position=10,
        title="Requests",
        icon="contact_support",
        view="admin:privacy_personrequest_changelist",
        may_see=may_see_requests,
        urgent=requests_due,
    )
)
register_tabs(
    PersonRequest,
    [
        ("All requests", ""),
        ("Open", "status__exact=open"),
        ("Overdue", "due=overdue"),
        ("Done", "status__exact=done"),
    ],
)
register_list_link(
    PersonRequest,
    ListLink(
        title="Register as CSV", icon="download", may_see=may_see_requests, url_of=_register_url
    ),
)
register_card(DashboardCard(position=72, may_see=may_see_requests, build=_card))
