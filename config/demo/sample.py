"""A hub that has grown: the demo's bank with as many contacts and activities as one likes."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from activities import sample_data as activities_sample
from activities.drafts import make_title
from activities.models import ActivityType
from activities.sample_data import SampleAct, write_activities
from activities.seen import catch_up
from channels.models import Channel
from config.demo import data
from config.demo.loading import load_demo
from consents.models import Consent
from consents.sample_data import write_agreements
from contacts.sample_data import Period, sample_contacts_exist, write_contacts
from crosssite.models import TrackedSite
from figures.following import catch_up as count_figures

TABLETS = "branch-tablets"

_DAYS = 365
# Of the contacts, so many per cent answer.
_ANSWER_TRACKING, _ANSWER_NEWSLETTER = 55, 15
_ACTIVITIES_FOR_A_REJECTION = 500
# Long ago the branches asked how it was: a channel and a type of which nothing new comes.
_ACTIVITIES_FOR_A_SURVEY = 2000
_DAYS_OF_SURVEY = 21

# Weight of 1,000, type, channel, tracked site, value, path and properties.
_ACTS = (
    (210, "pagevisit", data.SITE, "", "Home", "/", None),
    (90, "pagevisit", data.SITE, "", "Loans", "/loans", None),
    (60, "pagevisit", data.SITE, "", "Savings", "/savings", None),
    (40, "pagevisit", data.SITE, "", "Mortgages", "/mortgages", None),
    (60, "pagevisit", data.SITE, data.HOMES, "Flats", "/flats", None),
    (14, "pagevisit", data.SITE, data.MAGAZINE, "Travelling without fees", "/travelling", None),
    (150, "pagevisit", data.APP, "", "Accounts", "/accounts", None),
    (60, "pagevisit", data.APP, "", "Cards", "/cards", None),
    (110, "click", data.APP, "", "Transfer", "/accounts", None),
    (60, "click", data.SITE, "", "Apply now", "/loans", None),
    (30, "click", data.SITE, data.HOMES, "Call the owner", "/flats", None),
    (25, "datainput", data.SITE, "", "Contact form", "/contact", None),
    (10, "datainput", data.APP, "", "Registration form", "/register", None),
    (20, data.LOAN_CALCULATOR, data.SITE, "", "5000", "/loans", {"months": 48, "interest": 4.9}),
    (15, data.LOAN_CALCULATOR, data.APP, "", "12000", "/loans", {"months": 60, "interest": 4.4}),
    (25, data.BROCHURE, data.SITE, "", "Saving for children", "/savings", None),
    (15, data.APPOINTMENT, data.SITE, "", "Mortgage", "/branches", {"branch": "Harbour Street"}),
    (5, data.ACCOUNT, data.APP, "", "Everyday account", "/accounts", None),
    (1, data.CARD, data.APP, "", "Travel card", "/cards", {"fee": 39}),
)


class CannotMakeSample(Exception):
    """The sample cannot be made here; the message says why."""


def make_sample(
    contacts: int,
    activities: int,
    report: Callable[[str, int], None],
    now: datetime | None = None,
) -> None:
    """Load the demo, and add so many contacts and activities over the last year.

    All of it is committed in parts; after each, `report` is told what was made and how many.

    :raises CannotMakeSample: if there is sample data already
    """
    if sample_contacts_exist():
        raise CannotMakeSample("There is sample data here already. Begin with an empty DATA_DIR.")
    now = now or timezone.now()
    load_demo(now)
    channels = _ensure_channels()
    period = Period(now - timedelta(days=_DAYS), now)
    contact_ids = _make_contacts(contacts, channels, period, report)
    if contact_ids:
        for made in _make_activities(activities, channels, contact_ids, period):
            report("activities", made)
        rejections = activities // _ACTIVITIES_FOR_A_REJECTION
        activities_sample.write_rejections(rejections, channels[data.APP].pk, period)
    with connection.cursor() as cursor:
        # What the admin estimates and counts is not to wait for a worker.
        cursor.execute("ANALYZE")
    catch_up()
    count_figures()


def _ensure_channels() -> dict[str, Channel]:
    Channel.objects.get_or_create(code_name=TABLETS, defaults={"name": "Branch tablets"})
    return {channel.code_name: channel for channel in Channel.objects.all()}


def _make_contacts(
    count: int, channels: dict[str, Channel], period: Period, report: Callable[[str, int], None]
) -> range:
    site = channels[data.SITE]
    answers = (
        (Consent.objects.get(code_name=data.TRACKING), _ANSWER_TRACKING),
        (Consent.objects.get(code_name=data.NEWSLETTER), _ANSWER_NEWSLETTER),
    )
    ids: list[int] = []
    for made in write_contacts(count, period):
        for consent, percent in answers:
            write_agreements(consent, made, channel=site, percent=percent, until=period.until)
        ids += made
        report("contacts", len(made))
    if ids and ids[-1] - ids[0] + 1 != count:
        raise CannotMakeSample("Contacts came in meanwhile. Stop the hub, and begin anew.")
    return range(ids[0], ids[-1] + 1) if ids else range(0)


def _make_activities(
    count: int, channels: dict[str, Channel], contact_ids: range, period: Period
) -> Iterator[int]:
    """The survey that was over soon, then everything else."""
    types = {one.code_name: one for one in ActivityType.objects.all()}
    survey = types[data.SURVEY]
    answer = SampleAct(1, survey.pk, channels[TABLETS].pk, make_title(survey, "Good"), "Good")
    answers = count // _ACTIVITIES_FOR_A_SURVEY
    asked = contact_ids[: max(1, len(contact_ids) * _DAYS_OF_SURVEY // _DAYS)]
    weeks = Period(period.since, period.since + timedelta(days=_DAYS_OF_SURVEY))
    yield from write_activities("survey", answers, [answer], asked, weeks)
    yield from write_activities(
        "visit", count - answers, _acts(channels, types), contact_ids, period
    )


def _acts(channels: dict[str, Channel], types: dict[str, ActivityType]) -> list[SampleAct]:
    sites = {site.code_name: site for site in TrackedSite.objects.all()}
    bases = {data.APP: data.SCREENS, data.SITE: data.WEB}
    return [
        SampleAct(
            weight=weight,
            type_id=types[code_name].pk,
            channel_id=channels[channel].pk,
            tracked_site_id=sites[site].pk if site else None,
            title=make_title(types[code_name], value),
            value=value,
            url=f"{sites[site].url if site else bases[channel]}{path}",
            properties=json.dumps(properties) if properties else None,
        )
        for weight, code_name, channel, site, value, path, properties in _ACTS
    ]
