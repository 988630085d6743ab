"""What the site doctor found out, in words, and what to do about it."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from activities.admin.permissions import may_see_activities, may_see_inspector
from activities.models import Activity, RejectedActivity
from adminsite.formatting import change_url, changelist_url
from channels.admin.permissions import may_see_channels
from crosssite.admin.permissions import may_add_tracked_sites
from crosssite.doctor import Report, State, Stranger, Tally, current_version
from crosssite.models import BrowserHits, TrackedSite

Outcome = BrowserHits.Outcome

STATE_KINDS = {
    State.WAITING: "info",
    State.TRACKING: "good",
    State.REFUSED: "warning",
    State.DISABLED: "neutral",
}


@dataclass(frozen=True)
class Advice:
    """What to do about an outcome, and where."""

    text: str
    link: str = ""
    link_text: str = ""


_ADVICE = {
    Outcome.RECORDED: Advice("This is how it should be.", "log", "Show them in the activity log"),
    Outcome.ORIGIN: Advice(
        "They came before this site was added, or while it was disabled. If it is enabled now, "
        "there is nothing to do."
    ),
    Outcome.CONSENT: Advice(
        "These visitors have not agreed to the tracking consent of the channel, or have revoked "
        "it. Ask them with the snippet “With consent first”.",
        "consent",
        "Show this snippet",
    ),
    Outcome.COOKIES: Advice(
        "These browsers keep no cookies of the main site at all, so their visitors cannot be "
        "recognised. It is their choice. On a subdomain of the main site, more browsers keep them."
    ),
    Outcome.BOT: Advice("Search engines and monitors: no people, and nothing to do."),
    Outcome.OPT_OUT: Advice(
        "These browsers send Global Privacy Control or Do Not Track, and the channel honours it. "
        "Visitors who agree to the tracking consent are tracked all the same.",
        "channel",
        "Open the channel",
    ),
    Outcome.LIMIT: Advice(
        f"One network address became more than "
        f"{settings.NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR:,} new contacts within an hour. If "
        "the hub is behind a proxy, check that it learns the addresses of visitors. Operators set "
        "the limit with NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR."
    ),
    Outcome.INVALID: Advice(
        "The scripts of the site sent something that cannot be recorded, such as an unknown "
        "activity type or a label that is too long. Its developers find each one in the inspector.",
        "inspector",
        "Open the inspector",
    ),
}


@dataclass(frozen=True)
class Line:
    """One outcome in the table: how often, and what to do."""

    tally: Tally
    percent: int
    advice: Advice
    url: str

    @property
    def is_good(self) -> bool:
        return self.tally.outcome == Outcome.RECORDED


@dataclass(frozen=True)
class Findings:
    """Everything that the page of a tracked site says about how tracking goes there."""

    report: Report
    links: dict[str, str]
    lines: list[Line]
    strangers: list[tuple[Stranger, str]]
    last_activity_url: str

    @property
    def state_kind(self) -> str:
        return STATE_KINDS[self.report.state]

    @property
    def explanation(self) -> str:
        """What the state means, and the next step."""
        return _explanation(self.report)

    @property
    def current_version(self) -> str:
        return current_version()

    @property
    def mistaken_origins(self) -> list[str]:
        """Refused origins that may be this very site, the three most likely ones."""
        return [one.origin for one in self.report.strangers if one.may_be_the_site][:3]


def build_findings(request: HttpRequest, report: Report) -> Findings:
    """`report` in words, with links to what this user may see."""
    links = _links(request, report.site)
    most = max((tally.week for tally in report.tallies), default=1)
    return Findings(
        report=report,
        links=links,
        lines=[
            Line(
                tally=tally,
                percent=max(round(100 * tally.week / most), 1),
                advice=_ADVICE[tally.outcome],
                url=links.get(_ADVICE[tally.outcome].link, ""),
            )
            for tally in report.tallies
        ],
        strangers=[
            (stranger, _add_url(request, report.site, stranger)) for stranger in report.strangers
        ],
        last_activity_url=_activity_url(request, report.last_activity),
    )


def _explanation(report: Report) -> str:
    match report.state:
        case State.WAITING if report.site.channel.tracking_consent:
            return (
                "Copy the snippet into the <head> of every page, then open the site and agree to "
                "be tracked: before that, nothing is recorded. This turns green by itself."
            )
        case State.WAITING:
            return (
                "Copy the snippet into the <head> of every page, then open the site. This turns "
                "green by itself."
            )
        case State.TRACKING:
            return "The snippet works, and what visitors do is recorded."
        case State.REFUSED:
            refusal = report.last_refusal
            reason = f" The reason of the last one: {refusal.outcome.label}." if refusal else ""
            return (
                "The snippet works, but in the last 24 hours everything it reported was refused."
                f"{reason}"
            )
        case _:
            return "Nobody is tracked on this site until it is enabled in the settings."


def _links(request: HttpRequest, site: TrackedSite) -> dict[str, str]:
    links = {}
    if site.channel.tracking_consent is not None:
        links["consent"] = "#consent-first"
    if may_see_activities(request.user):
        links["log"] = changelist_url(Activity, f"tracked_site__id__exact={site.pk}")
    if may_see_inspector(request.user):
        query = f"door=crosssite&channel__id__exact={site.channel_id}"
        links["inspector"] = changelist_url(RejectedActivity, query)
    if may_see_channels(request.user):
        links["channel"] = change_url(site.channel)
    return links


def _add_url(request: HttpRequest, site: TrackedSite, stranger: Stranger) -> str:
    if not stranger.can_be_tracked or not may_add_tracked_sites(request.user):
        return ""
    query = urlencode({"url": stranger.origin, "channel": str(site.channel_id)})
    return f"{reverse('admin:crosssite_trackedsite_add')}?{query}"


def _activity_url(request: HttpRequest, activity: Activity | None) -> str:
    if activity is None or not may_see_activities(request.user):
        return ""
    return change_url(activity)
