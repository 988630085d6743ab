"""What the dashboard says about destinations: what is late, and which the hub has paused."""

from typing import Any

from django.http import HttpRequest

from adminsite.counting import COUNTED, say_count
from adminsite.dashboard import CardContent, DashboardCard, Figure, register_card
from adminsite.formatting import changelist_url
from destinations.admin.listing import ago, with_figures
from destinations.admin.permissions import may_see_destinations
from destinations.models import Destination


def _card(request: HttpRequest) -> CardContent:
    destinations: list[Any] = list(with_figures(Destination.objects.filter(enabled=True)))
    if not destinations:
        return CardContent()
    running = [one for one in destinations if one.paused_at is None]
    late = [one for one in running if one.late]
    stopped = [one for one in destinations if one.paused_by not in ("", Destination.PausedBy.USER)]
    figures = [
        Figure(
            name="Deliveries late",
            icon="local_shipping",
            value=say_count(sum(one.late for one in late), COUNTED),
            note=f"The oldest has waited for {ago(min(one.waits_since for one in late))}"
            if late
            else "Everything has gone out",
            url=changelist_url(Destination),
            is_urgent=bool(late),
        )
    ]
    if stopped:
        names = ", ".join(one.name for one in stopped[:2])
        more = f" and {len(stopped) - 2} more" if len(stopped) > 2 else ""
        figures.append(
            Figure(
                name="Destinations stopped",
                icon="pause_circle",
                value=f"{len(stopped):,}",
                note=f"{names}{more}: look why, then resume",
                url=changelist_url(Destination),
                is_urgent=True,
            )
        )
    return CardContent(figures=figures)


register_card(DashboardCard(position=90, may_see=may_see_destinations, build=_card))
