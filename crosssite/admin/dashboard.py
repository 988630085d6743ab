"""What the dashboard says about tracked sites: which have gone silent."""

from django.http import HttpRequest

from adminsite.dashboard import CardContent, DashboardCard, counted, register_card
from crosssite.admin.permissions import may_see_tracked_sites
from crosssite.models import TrackedSite
from figures.admin.senders import silent_list
from figures.models import Count
from figures.silence import silent_since


def _sites(request: HttpRequest) -> CardContent:
    since = silent_since(Count.Kind.SITE)
    sites = list(TrackedSite.objects.filter(pk__in=since, enabled=True))
    return CardContent(
        lists=[silent_list("Tracked sites gone silent", sites, since)],
        said=f"{counted(len(sites), 'tracked site has', 'tracked sites have')} gone silent"
        if sites
        else "",
    )


register_card(DashboardCard(position=61, may_see=may_see_tracked_sites, build=_sites))
