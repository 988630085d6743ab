"""What is measured in a hub that has grown: pages, recording, merging, data input, contact groups.

It runs inside of Django, as `staging` does, in a `manage.py shell` beside the database.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle, islice
from statistics import median
from tempfile import NamedTemporaryFile
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db.models import Count, Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from activities.drafts import Draft
from activities.jobs import DATA_INPUTS
from activities.models import Activity, ActivityType, RejectedActivity
from activities.recording import Source, record_activities
from activities.seen import catch_up
from adminsite.counting import count_up_to
from adminsite.formatting import change_url, changelist_url
from adminsite.options import HubAdmin
from adminsite.paginator import COUNTED_ROWS
from benchmarks import grouping
from benchmarks.hub import BenchmarkFailed
from benchmarks.staging import record_data_inputs, stage_merges
from channels.models import Channel
from config.demo import data
from config.demo.loading import LOGIN
from config.demo.sample import TABLETS
from consents.models import Consent, ConsentAgreement
from contacts.admin.searching import search_contacts
from contacts.admin.timeline import Position, query_of
from contacts.jobs import MERGES
from contacts.merging import carry_out_merges, request_merge, settle_merges
from contacts.models import Contact, ContactMerge
from contacts.telling import person_of
from crosssite.models import TrackedSite
from figures.following import catch_up as count_figures
from jobs.working import work_off
from privacy.access.writing import write_file
from privacy.models import AccessFile

_IN_A_REQUEST = 100
_FAR_DOWN = 5000
_SWEEPS = 10
_SWEEPS_OF_MERGES = 3
_THREADS = 8


class Page(NamedTuple):
    """A page of the admin, by what the report calls it."""

    name: str
    url: str


def measure(rounds: int, recorded: int, jobs: int, touched: int, groups: int) -> None:
    """Print, as JSON, how long everything takes: milliseconds by what it is.

    Pages are asked for so many times. The contact that is merged has `recorded` activities, which
    are recorded here, and twice as many of other contacts; then a reader reads them all. So many
    groups look at `touched` contacts; how PostgreSQL builds one of them is the `plan`.
    """
    # In a hub a worker does that all the time; here nothing runs beside the database.
    catch_up()
    count_figures()
    grouped = grouping.measure(touched, groups)
    counts = grouping.measure_counts(_logged_in(), rounds)
    pages = {page.name: _milliseconds(page, rounds) for page in _pages()}
    searches = _searches(rounds)
    work = {
        "100 activities recorded": _record(recorded),
        f"the same, by {_THREADS} threads at once": _record_at_once(recorded),
        f"{3 * recorded:,} activities read by the reader “seen”": _milliseconds_of(catch_up),
        f"{3 * recorded:,} activities read by the reader “figures”": _milliseconds_of(
            count_figures
        ),
        f"merge of a contact with {recorded:,} activities": _merge(),
        f"file with all about a contact with {recorded:,} activities": _write_access_file(),
        f"{jobs:,} data inputs drained": _apply_data_inputs(jobs),
        f"{jobs:,} merges of contacts with 5 activities": _merge_many(jobs),
        f"{touched:,} contacts looked at for {groups} contact groups": grouped.increments,
        "explanation of a membership": grouped.explanation,
        "first count of a condition in the builder": counts.first,
        "count of a known condition in the builder": counts.known,
    }
    builds = {"full build": grouped.build}
    found = {
        "pages": pages,
        "searches": searches,
        "work": work,
        "builds": builds,
        "plan": grouped.plan,
    }
    json.dump(found, sys.stdout)


def _milliseconds(page: Page, rounds: int) -> float:
    client = _logged_in()
    durations = []
    for _ in range(rounds):
        started_at = time.perf_counter()
        answer = client.get(page.url)
        durations.append(time.perf_counter() - started_at)
        if answer.status_code != 200:
            raise BenchmarkFailed(f"{page.url} was answered with {answer.status_code}.")
    # The fastest: what else the machine does comes on top of that, and says nothing of the hub.
    return min(durations) * 1000


def _logged_in() -> Client:
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username=LOGIN))
    return client


def _pages() -> Iterator[Page]:
    yield Page("dashboard", "/admin/")
    yield Page("dashboard of 30 days", "/admin/?range=30")
    yield Page("dashboard of 90 days", "/admin/?range=90")
    yield from _contact_pages()
    yield from _activity_pages()
    yield from _consent_pages()
    yield from _inspector_pages()
    for model in (ActivityType, Channel, ContactMerge, TrackedSite):
        yield Page(f"list of {model._meta.verbose_name_plural}", changelist_url(model))
    yield Page("Settings, Tracking", "/admin/settings/tracking/")


def _contact_pages() -> Iterator[Page]:
    named = Contact.objects.exclude(email="").order_by("-pk")[1000]
    lists = {
        "contacts": "",
        "contacts, last page": _last_page(Contact),
        "contacts with an email": "known=email",
        "contacts with a name, but no email": "known=name",
        "anonymous contacts": "known=nothing",
        "contacts of a large country": "country=DEU",
        "contacts of a small country": "country=ISL",
        "contacts of a country where nobody is": "country=ATA",
        "contacts of a day": _within("created_at", days_ago=200, days=1),
        **{f"contacts by {what}": urlencode({"q": term}) for what, term in _terms(named).items()},
        # So many days that there is a full page of them in every hub.
        "contacts of a month, by a name": f"q=paula&{_within('created_at', days_ago=39, days=30)}",
    }
    yield from (Page(name, changelist_url(Contact, query)) for name, query in lists.items())
    usual, busiest = named, _busiest()
    newest = busiest.activities.order_by("-occurred_at", "-id")
    *_, (at, pk) = newest.values_list("occurred_at", "pk")[:_FAR_DOWN]
    older = query_of(after=Position(at, "activities", pk))
    for what, term in (("a name", "paula rossi"), ("a domain that all have", "example.com")):
        query = urlencode({"q": term})
        yield Page(f"search of the head, by {what}", f"{reverse('adminsite:search')}?{query}")
    yield Page("page of a contact", change_url(usual))
    yield Page("page of the busiest contact", change_url(busiest))
    yield Page("the same, far down the timeline", f"{change_url(busiest)}?{older}")
    card = ActivityType.objects.get(code_name=data.CARD).pk
    tablets = Channel.objects.get(code_name=TABLETS).pk
    asked = {
        "by a text that is nowhere": query_of(text="xyzzy"),
        "of a rare type": query_of(choices={"type": str(card)}),
        "of a channel long unused": query_of(choices={"channel": str(tablets)}),
    }
    for name, query in asked.items():
        yield Page(f"the same, its timeline {name}", f"{change_url(busiest)}?{query}")


def _terms(named: Contact) -> dict[str, str]:
    """What is searched for: words that few have, that nearly all have, and that nobody has."""
    return {
        "the beginning of an email": named.email[:-10],
        "a part of an email": named.email[3:-10],
        "a domain that all have": "example.com",
        "one letter": "a",
        "two letters": "an",
        "a part of a name": "eller",
        "a name without accents": "schafer",
        "first and last name": "paula rossi",
        "a company": "keller & co",
        "a phone": "001 (555) 010 1000",
        "a part of a phone": "555-0101",
        "a name that nobody has": "xyz",
        "a letter that nobody has": "李",
        "a sign": "%",
        "300 letters": "n" * 300,
        "GUID": str(named.guid),
        "a part of a GUID": str(named.guid)[-9:],
    }


def _searches(rounds: int) -> dict[str, float]:
    """How long it takes to find a page of contacts: the target is 100 ms among a million."""
    named = Contact.objects.exclude(email="").order_by("-pk")[1000]
    found = {}
    for what, term in _terms(named).items():
        durations = [_milliseconds_of(partial(_search, term)) for _ in range(rounds)]
        found[f"contacts by {what}"] = min(durations)
    return found


def _search(term: str) -> None:
    list(search_contacts(Contact.objects.live(), term).order_by("-created_at", "-pk")[:50])


def _activity_pages() -> Iterator[Page]:
    types = dict(ActivityType.objects.values_list("code_name", "pk"))
    channels = dict(Channel.objects.values_list("code_name", "pk"))
    sites = dict(TrackedSite.objects.values_list("code_name", "pk"))
    known = _busiest()
    usual = Activity.objects.order_by("-pk").select_related("contact")[1000]
    lists = {
        "activity log": "",
        "activity log, last page": _last_page(Activity),
        "activities of a common type": _of("type", types["pagevisit"]),
        "activities of a rare type": _of("type", types[data.CARD]),
        "activities of a type long unused": _of("type", types[data.SURVEY]),
        "activities of a channel": _of("channel", channels[data.APP]),
        "activities of a channel long unused": _of("channel", channels[TABLETS]),
        "activities of a tracked site": _of("tracked_site", sites[data.MAGAZINE]),
        "activities since yesterday": _within("occurred_at", days_ago=1, days=1),
        "activities of a day": _within("occurred_at", days_ago=200, days=1),
        "activities of a quarter": _within("occurred_at", days_ago=300, days=91),
        "activities of a day without any": _within("occurred_at", days_ago=900, days=1),
        "activities of a rare type within a month": "&".join(
            [_of("type", types[data.CARD]), _within("occurred_at", days_ago=200, days=30)]
        ),
        "activities of a channel within a month": "&".join(
            [_of("channel", channels[data.APP]), _within("occurred_at", days_ago=200, days=30)]
        ),
        "activities of an unused channel within a month": "&".join(
            [_of("channel", channels[TABLETS]), _within("occurred_at", days_ago=60, days=30)]
        ),
        "activities of a type and a channel without any": "&".join(
            [_of("type", types["pagevisit"]), _of("channel", channels[TABLETS])]
        ),
        "activities by the GUID of a contact": f"q={usual.contact.guid}",
        "activities by the GUID of the busiest contact": f"q={known.guid}",
        "activities by request id": f"q={usual.request_id}",
        "activities by id": f"q={usual.pk}",
        "activities by an unknown GUID": f"q={uuid4()}",
    }
    yield from (Page(name, changelist_url(Activity, query)) for name, query in lists.items())
    yield Page("page of an activity", change_url(usual))


def _consent_pages() -> Iterator[Page]:
    tracking = Consent.objects.get(code_name=data.TRACKING)
    newsletter = Consent.objects.get(code_name=data.NEWSLETTER)
    contact = ConsentAgreement.objects.order_by("-pk").select_related("contact")[0].contact
    lists = {
        "agreements": "",
        "agreements, last page": _last_page(ConsentAgreement),
        "agreements to a consent": _of("consent", tracking.pk),
        "agreements to another consent": _of("consent", newsletter.pk),
        "agreements that were revoked": "agreed__exact=0",
        "agreements of a day": _within("at", days_ago=200, days=1),
        "revoked of a consent within a month": "&".join(
            ["agreed__exact=0", _of("consent", newsletter.pk), _within("at", 200, 30)]
        ),
        "agreements by GUID": f"q={contact.guid}",
    }
    yield from (
        Page(name, changelist_url(ConsentAgreement, query)) for name, query in lists.items()
    )
    yield Page("list of consents", changelist_url(Consent))
    yield Page("page of a consent", change_url(tracking))


def _inspector_pages() -> Iterator[Page]:
    app = Channel.objects.get(code_name=data.APP)
    newest = RejectedActivity.objects.order_by("-at", "-id")[0]
    lists = {
        "inspector": "",
        "inspector, a status": "status__exact=invalid_rejected",
        "inspector, a rare status": "status__exact=failed",
        "inspector, a code": "code=missing_url",
        "inspector, a channel": _of("channel", app.pk),
        "inspector, by words": "q=yesterday",
        "inspector, by GUID": f"q={newest.contact_guid}",
    }
    yield from (
        Page(name, changelist_url(RejectedActivity, query)) for name, query in lists.items()
    )


def _last_page(model: type[Model]) -> str:
    """The query for the last page that can be reached."""
    rows = count_up_to(model._default_manager.all(), COUNTED_ROWS)
    return f"p={min(rows, COUNTED_ROWS) // HubAdmin.list_per_page}"


def _of(field: str, pk: int) -> str:
    return f"{field}__id__exact={pk}"


def _within(field: str, days_ago: int, days: int) -> str:
    since = timezone.now() - timedelta(days=days_ago)
    return f"{field}_from_0={since:%Y-%m-%d}&{field}_to_0={_last_day(since, days):%Y-%m-%d}"


def _last_day(since: datetime, days: int) -> datetime:
    # A day without a time is the whole day.
    return since + timedelta(days=days - 1)


def _busiest() -> Contact:
    recent = Activity.objects.order_by("-pk").values("pk")[:20_000]
    counts = Activity.objects.filter(pk__in=recent).values("contact")
    most = counts.annotate(number=Count("pk")).order_by("-number").values_list("contact").first()
    assert most is not None
    return Contact.objects.get(pk=most[0])


def _record(recorded: int) -> float:
    """Record activities, each other request about one new contact; the median of a request."""
    contact = Contact.objects.create(notes=_TO_MERGE)
    others = list(Contact.objects.live().order_by("?").values_list("guid", flat=True)[:1000])
    durations = []
    for number in range(recorded // _IN_A_REQUEST):
        for guid in (contact.guid, others[number % len(others)]):
            started_at = time.perf_counter()
            _record_visits(guid)
            durations.append(time.perf_counter() - started_at)
    return median(durations) * 1000


def _record_at_once(recorded: int) -> float:
    """Record as many from several threads; the time for each request, which is what the rate is."""
    guids = Contact.objects.live().order_by("?").values_list("guid", flat=True)[:1000]
    requests = list(islice(cycle(guids), recorded // _IN_A_REQUEST))
    with ThreadPoolExecutor(_THREADS) as pool:
        started_at = time.perf_counter()
        list(pool.map(_record_visits, requests))
        return (time.perf_counter() - started_at) * 1000 / len(requests)


def _record_visits(guid: UUID) -> None:
    record_activities(_VISITS, contact_guid=guid, source=_source())


def _merge() -> float:
    loser = Contact.objects.filter(notes=_TO_MERGE).order_by("-pk")[0]
    survivor = Contact.objects.create(email=f"{uuid4()}@example.com")
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.JOURNEY)
    started_at = time.perf_counter()
    carry_out_merges([merge.pk])
    settle_merges([merge.pk])  # moves what is too much for one transaction
    return (time.perf_counter() - started_at) * 1000


def _write_access_file() -> float:
    """Write what a person gets who asks for their data, of the contact that was merged."""
    contact = Contact.objects.filter(notes=_TO_MERGE).order_by("-pk")[0]
    with NamedTemporaryFile(suffix=".zip") as file:
        return _milliseconds_of(
            lambda: write_file(person_of(contact.pk), AccessFile.Kind.ACCESS, file)  # type: ignore[arg-type]
        )


def _apply_data_inputs(count: int) -> float:
    """Record so many data inputs, and let the sweep find them, ten times; the fastest time."""
    anonymous = Contact.objects.live().filter(email="", last_name="").order_by("-pk")
    guids = list(anonymous.values_list("guid", flat=True)[: count * _SWEEPS])
    durations = []
    for start in range(0, len(guids), count):
        record_data_inputs(guids[start : start + count])
        durations.append(_milliseconds_of(lambda: work_off(DATA_INPUTS)))
    return min(durations)


def _merge_many(count: int) -> float:
    """Ask for so many merges, and let the sweep find them, a few times; the fastest time."""
    durations = []
    for _ in range(_SWEEPS_OF_MERGES):
        stage_merges(count)
        durations.append(_milliseconds_of(lambda: work_off(MERGES)))
    return min(durations)


def _milliseconds_of(work: Callable[[], object]) -> float:
    started_at = time.perf_counter()
    work()
    return (time.perf_counter() - started_at) * 1000


def _source() -> Source:
    channel = Channel.objects.get(code_name=data.APP)
    return Source(door="benchmark", channel=channel, request_id=uuid4())


_TO_MERGE = "made to be merged"
_VISITS = [Draft(type="pagevisit", value="Home", url="https://www.example.com/")] * _IN_A_REQUEST
