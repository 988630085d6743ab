"""What the page of a destination shows beside its form."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from adminsite.counting import COUNTED, say_count
from adminsite.formatting import moment
from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from destinations.admin.actions import ACTIONS, log_url
from destinations.admin.charts import LOOKED_AT, by_hour, late
from destinations.admin.delivery import STATUS, why, why_without_payload
from destinations.admin.listing import (
    failing_since,
    last_delivered,
    queue_of,
    state,
    waits,
    with_figures,
)
from destinations.admin.masking import masked_text, with_personal_names
from destinations.admin.permissions import (
    may_change_destinations,
    may_see_deliveries,
    may_send_again,
)
from destinations.admin.warnings import warnings_of
from destinations.kinds import kinds
from destinations.models import Delivery, Destination

_LATEST = 10


def page_of(request: HttpRequest, destination: Destination) -> dict[str, Any]:
    """What the templates of a destination's page need."""
    return {
        **head_of(request, destination),
        "warnings": warnings_of(destination),
        "by_hour": by_hour(destination),
        "late": late(destination),
        "looked_at": f"{LOOKED_AT:,}",
        "latest": _latest(destination, request.user),
    }


def _latest(destination: Destination, user: AnyUser) -> list | None:
    return latest_of(destination, user) if may_see_deliveries(user) else None


def head_of(request: HttpRequest, destination: Destination) -> dict[str, Any]:
    """How a destination is doing: the head of its page."""
    figures: Any = with_figures(Destination.objects.filter(pk=destination.pk)).get()
    queue = queue_of(figures)
    since = failing_since(figures)
    kind = kinds().get(figures.type)
    facts = [
        ("State", state(figures)),
        ("Waits", waits(figures) or "Nothing"),
        ("Late", say_count(figures.late, COUNTED) if figures.late else "Nothing"),
        ("Last delivered", moment(last_delivered(figures))),
    ]
    if since:
        facts.append(("Failing since", moment(since)))
    if figures.paused_at:
        facts.append(("Paused since", moment(figures.paused_at)))
    if queue is not None and queue.rests_until and queue.rests_until > timezone.now():
        facts.append(("Tried again", moment(queue.rests_until, seconds=True)))
    if figures.earlier_secret_until and figures.earlier_secret_until > timezone.now():
        facts.append(("Earlier secret signs until", moment(figures.earlier_secret_until)))
    return {
        "destination": figures,
        "facts": facts,
        "last_error": last_error_of(figures, request.user) if since else "",
        "has_secret": kind is not None and kind.has_mapping,
        "may_change": may_change_destinations(request.user),
        "urls": urls_of(request, figures),
    }


def last_error_of(destination: Destination, user: AnyUser) -> str:
    """What went wrong with the oldest of the messages that are tried again: it was tried most."""
    tried = Delivery.objects.filter(
        destination=destination, status=Delivery.Status.WAITING, attempts__gt=0
    )
    # In the order of an index, read backwards.
    oldest = tried.order_by("created_at", "id").first()
    if oldest is None or may_see_contacts(user):
        return oldest.last_error if oldest else ""
    return masked_text(oldest, oldest.last_error)


def latest_of(destination: Destination, user: AnyUser) -> list[tuple[Delivery, object, str]]:
    """The latest of its messages, each with its status and why it was not delivered."""
    rows = Delivery.objects.filter(destination=destination).order_by("-created_at", "-id")
    if may_see_contacts(user):
        says = why
    else:
        says, rows = why_without_payload, with_personal_names(rows)
    return [(one, STATUS(one), says(one)) for one in rows[:_LATEST]]


def urls_of(request: HttpRequest, destination: Destination) -> dict[str, str]:
    """Where the buttons of a page lead, of those that this user may press."""

    def url(name: str, *args: Any) -> str:
        return reverse(f"admin:destinations_destination_{name}", args=[destination.pk, *args])

    urls = {}
    if may_change_destinations(request.user):
        urls = {name: url("act", name) for name in ACTIONS}
        urls |= {"test": url("test"), "rotate": url("rotate")}
    if may_send_again(request.user):
        urls["again"] = url("again")
    if may_see_deliveries(request.user):
        urls["log"] = log_url(destination)
    return urls
