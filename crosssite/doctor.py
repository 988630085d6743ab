"""The site doctor: whether a tracked site reports, and if it does not, why."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from activities.models import Activity
from crosssite.models import BrowserHits, TrackedSite
from crosssite.tracker import tracker_source

Outcome = BrowserHits.Outcome

DAY, WEEK = timedelta(days=1), timedelta(days=7)
_PAGES = 8
_STRANGERS = 20
# Refusals that say nothing about whether the snippet works: what came before the site was
# registered or while it was disabled, and what no person did.
_BESIDE_THE_POINT = (Outcome.ORIGIN, Outcome.BOT)


class State(models.TextChoices):
    """How tracking on a site is."""

    WAITING = "waiting", "Waiting for the first hit"
    TRACKING = "tracking", "Tracking"
    REFUSED = "refused", "Refused"
    DISABLED = "disabled", "Disabled"


@dataclass(frozen=True)
class Tally:
    """How many requests of a site's visitors ended one way."""

    outcome: BrowserHits.Outcome
    day: int
    week: int
    last_at: datetime


@dataclass(frozen=True)
class PageSeen:
    """A page that requests came from, and how the last of them ended."""

    path: str
    outcome: BrowserHits.Outcome
    last_at: datetime
    version: str


@dataclass(frozen=True)
class Stranger:
    """An origin that the channel refuses, and what it may have to do with the site."""

    origin: str
    hint: str
    may_be_the_site: bool
    day: int
    week: int
    last_at: datetime
    can_be_tracked: bool


@dataclass(frozen=True)
class Report:
    """What the doctor found out about `site` in the last seven days."""

    site: TrackedSite
    state: State
    last_recorded: datetime | None
    last_activity: Activity | None
    tallies: list[Tally]
    pages: list[PageSeen]
    version: str
    strangers: list[Stranger]

    @property
    def last_path(self) -> str:
        """The path of the page of the last activity, or of the last request that is known."""
        if self.last_activity is not None and self.last_activity.url:
            return _path_of(self.last_activity.url)
        return self.pages[0].path if self.pages else ""

    @property
    def has_current_version(self) -> bool:
        return self.version == current_version()

    @property
    def last_refusal(self) -> Tally | None:
        """The newest refusal that says something about the site."""
        telling = [
            tally
            for tally in self.tallies
            if tally.outcome not in (Outcome.RECORDED, *_BESIDE_THE_POINT)
        ]
        return max(telling, key=lambda tally: tally.last_at, default=None)


def examine(site: TrackedSite) -> Report:
    """What is known of `site`, always in four queries."""
    signs: Any = with_signs(TrackedSite.objects.filter(pk=site.pk)).get()
    hits = _hits_of(site)
    return Report(
        site=site,
        state=state_of(signs.enabled, signs.last_recorded, signs.last_refused),
        last_recorded=signs.last_recorded,
        last_activity=Activity.objects.filter(tracked_site=site)
        .order_by("-occurred_at", "-id")
        .first(),
        tallies=_tallies(hits),
        pages=_pages(hits),
        version=next((hit.last_version for hit in hits if hit.last_version), ""),
        strangers=_strangers(site),
    )


def with_signs(sites: QuerySet[TrackedSite]) -> QuerySet[TrackedSite]:
    """`sites` with what `state_of` needs, as `last_recorded` and `last_refused`."""
    activities = Activity.objects.filter(tracked_site=OuterRef("pk")).order_by(
        "-occurred_at", "-id"
    )
    own = BrowserHits.objects.filter(channel=OuterRef("channel"), origin=OuterRef("url"))
    recorded = own.filter(outcome=Outcome.RECORDED).order_by("-hour")
    refused = (
        own.filter(hour__gt=timezone.now() - DAY)
        .exclude(outcome__in=[Outcome.RECORDED, *_BESIDE_THE_POINT])
        .order_by("-last_at")
    )
    return sites.annotate(
        # Counts are forgotten after some time, and activities with the contacts they are about.
        last_recorded=Greatest(
            Subquery(activities.values("recorded_at")[:1]), Subquery(recorded.values("last_at")[:1])
        ),
        last_refused=Subquery(refused.values("last_at")[:1]),
    )


def state_of(enabled: bool, last_recorded: datetime | None, last_refused: datetime | None) -> State:
    """How tracking is on a site of which `with_signs` says this."""
    if not enabled:
        return State.DISABLED
    if last_refused and (last_recorded is None or last_recorded < timezone.now() - DAY):
        return State.REFUSED
    return State.TRACKING if last_recorded else State.WAITING


@cache
def current_version() -> str:
    """The version of the tracker that the hub serves."""
    source, _ = tracker_source()
    found = re.search(rb"VERSION = '([^']+)'", source)
    return found[1].decode() if found else ""


def _hits_of(site: TrackedSite) -> list[BrowserHits]:
    week = timezone.now() - WEEK
    hits = BrowserHits.objects.filter(channel=site.channel_id, origin=site.url, hour__gt=week)
    return list(hits.order_by("-last_at"))


def _tallies(hits: list[BrowserHits]) -> list[Tally]:
    """What was recorded, then refusals, the most frequent first."""
    yesterday = timezone.now() - DAY
    tallies = []
    for outcome in Outcome:
        of_outcome = [hit for hit in hits if hit.outcome == outcome]
        if of_outcome:
            tallies.append(
                Tally(
                    outcome=outcome,
                    day=sum(hit.count for hit in of_outcome if hit.hour > yesterday),
                    week=sum(hit.count for hit in of_outcome),
                    last_at=of_outcome[0].last_at,
                )
            )
    return sorted(tallies, key=lambda tally: (tally.outcome != Outcome.RECORDED, -tally.week))


def _pages(hits: list[BrowserHits]) -> list[PageSeen]:
    """The latest pages, each once; of an hour only the last page of an outcome is known."""
    pages: dict[str, PageSeen] = {}
    for hit in hits:
        if hit.last_path and hit.last_path not in pages:
            pages[hit.last_path] = PageSeen(
                path=hit.last_path,
                outcome=Outcome(hit.outcome),
                last_at=hit.last_at,
                version=hit.last_version,
            )
    return list(pages.values())[:_PAGES]


# Origins that the channel does not know


def _strangers(site: TrackedSite) -> list[Stranger]:
    """Refused origins, those that look like `site` first."""
    now = timezone.now()
    known = TrackedSite.objects.filter(channel=site.channel_id, enabled=True).values("url")
    family = _family_of(_host_of(site.url))
    rows = (
        BrowserHits.objects.filter(
            channel=site.channel_id, outcome=Outcome.ORIGIN, hour__gt=now - WEEK
        )
        .exclude(origin__in=known)
        .exclude(origin=site.url)
        .annotate(is_alike=Q(origin__icontains=family))
        .values("origin", "is_alike")
        .annotate(
            day=Coalesce(Sum("count", filter=Q(hour__gt=now - DAY)), 0),
            week=Sum("count"),
            last_at=Max("last_at"),
        )
        .order_by("-is_alike", "-week", "origin")[:_STRANGERS]
    )
    strangers = [
        Stranger(
            origin=row["origin"],
            hint=hint_about(row["origin"], site.url),
            may_be_the_site=_may_be_the_site(row["origin"], site.url),
            day=row["day"],
            week=row["week"],
            last_at=row["last_at"],
            can_be_tracked=_can_be_tracked(row["origin"]),
        )
        for row in rows
    ]
    return sorted(strangers, key=lambda one: not one.may_be_the_site)


def hint_about(origin: str, site_url: str) -> str:
    """What a refused `origin` may have to do with the site at `site_url`; "" if nothing."""
    if not origin:
        return "No origin was sent: this was no page of a website."
    if origin == "null":
        return "A page in a sandboxed frame, or one that was opened from a file."
    host, site_host = _host_of(origin), _host_of(site_url)
    if not host:
        return ""
    meant = f"Did you mean {site_url}?"
    if host == site_host:
        if not origin.startswith("https://"):
            return f"{meant} The page was opened without HTTPS. Redirect it to HTTPS."
        return f"{meant} With a port it is another website to browsers."
    if host.removeprefix("www.") == site_host.removeprefix("www."):
        which = "with" if host.startswith("www.") else "without"
        return f"{meant} Visitors use it {which} “www.” too. Redirect them, or add it as well."
    if _family_of(host) == _family_of(site_host):
        return f"{meant} To browsers this subdomain is another website. If it is yours, add it."
    return ""


def _may_be_the_site(origin: str, site_url: str) -> bool:
    """Whether `origin` may be meant for the site: its domain, or one above or below it."""
    host, site_host = (_host_of(url).removeprefix("www.") for url in (origin, site_url))
    is_related = f".{host}".endswith(f".{site_host}") or f".{site_host}".endswith(f".{host}")
    return "." in host and is_related


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _family_of(host: str) -> str:
    """The domain that subdomains of the same owner share, as far as a guess tells."""
    labels = host.split(".")
    # Such as example.co.uk
    has_two_part_ending = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if has_two_part_ending else -2 :])


def _can_be_tracked(origin: str) -> bool:
    try:
        TrackedSite(url=origin).clean()
    except ValidationError:
        return False
    return bool(origin)


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return ""
