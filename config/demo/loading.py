"""Telling the demo's story to the hub, through the functions that doors and admin use."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone

from activities.data_input import apply_data_inputs
from activities.models import Activity, ActivityType, RejectedActivity
from activities.recording import Source, record_activities
from channels.models import Channel
from config.celery import app
from config.demo import data, events, journeys
from config.demo.journeys import Answer, Visit
from consents.agreements import record_agreement
from consents.models import Consent
from consents.texts import save_text
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from crosssite.models import TrackedSite
from tracking.headless.translation import read_activities, read_members

LOGIN = "demo"
PASSWORD = "demo"  # noqa: S105 -- known to everybody, and refused in production

# Any number will do, as long as nothing else in this database locks by it.
_LOCK = 7_246_802


class DemoFailed(Exception):
    """The hub did something else with the demo's data than it should."""


def load_demo(now: datetime | None = None) -> int:
    """Make sure of the demo's channels, consents, types and login; tell its story once.

    Return how many contacts came new: none if the story has been told before. All of it is one
    transaction, so there is never half a demo.
    """
    with _tasks_at_once(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        user = _ensure_login()
        consents = _ensure_consents()
        channels = _ensure_channels(consents[data.TRACKING])
        _ensure_tracked_sites(channels[data.SITE])
        _ensure_activity_types()
        events.ensure_what_events_mean(channels[data.SITE], consents[data.TRACKING])
        steps = journeys.tell(now or timezone.now())
        guids = {journeys.guid_of(step.who) for step in steps}
        if Contact.objects.filter(guid__in=guids).exists():
            return 0
        before = Contact.objects.count()
        newest = Contact.objects.aggregate(newest=Max("pk"))["newest"] or 0
        contacts = _play(steps, channels, consents)
        _report_events(channels[data.SITE], now or timezone.now())
        _leave_a_decision(contacts, user)
        _date_back(newest)
        return Contact.objects.count() - before


@contextmanager
def _tasks_at_once() -> Iterator[None]:
    """Carry out tasks in this process: there may be no worker yet, and nothing to ring for."""
    before = app.conf.task_always_eager
    app.conf.task_always_eager = True
    try:
        yield
    finally:
        app.conf.task_always_eager = before


def _ensure_login() -> User:
    user = User.objects.filter(username=LOGIN).first()
    return user or User.objects.create_superuser(LOGIN, "demo@example.com", PASSWORD)


def _ensure_consents() -> dict[str, Consent]:
    return {code_name: _ensure_consent(code_name) for code_name in data.CONSENTS}


def _ensure_consent(code_name: str) -> Consent:
    if consent := Consent.objects.filter(code_name__fold=code_name).first():
        return consent
    name, texts = data.CONSENTS[code_name]
    long_ago = timezone.now() - timedelta(days=journeys.DAYS + 30)
    consent = Consent.objects.create(code_name=code_name, name=name, created_at=long_ago)
    for language, (short_text, full_text) in texts.items():
        save_text(consent, language=language, short_text=short_text, full_text=full_text)
    # People agree to these texts long before now, so the texts have to be older than that.
    consent.texts.update(created_at=long_ago)
    return consent


def _ensure_channels(tracking_consent: Consent) -> dict[str, Channel]:
    mobile_app, _ = Channel.objects.get_or_create(
        code_name__fold=data.APP,
        defaults={"code_name": data.APP, "name": data.CHANNEL_NAMES[data.APP]},
    )
    domain = _with_port(data.SITE_HOST)
    main_site, _ = Channel.objects.get_or_create(
        code_name__fold=data.SITE,
        defaults={
            "code_name": data.SITE,
            "name": data.CHANNEL_NAMES[data.SITE],
            "kind": Channel.Kind.WEBSITE,
            "domain": domain,
            "tracking_consent": tracking_consent,
        },
    )
    # The hub may listen on another port than last time.
    if main_site.domain != domain and main_site.domain.partition(":")[0] == data.SITE_HOST:
        main_site.domain = domain
        main_site.save(update_fields=["domain"])
    return {data.APP: mobile_app, data.SITE: main_site}


def _ensure_tracked_sites(channel: Channel) -> None:
    for code_name, demo_site in data.TRACKED_SITES.items():
        url = f"http://{_with_port(demo_site.host)}"
        site, _ = TrackedSite.objects.get_or_create(
            code_name__fold=code_name,
            defaults={
                "code_name": code_name,
                "name": demo_site.name,
                "description": demo_site.description,
                "url": url,
                "channel": channel,
            },
        )
        if site.url != url and urlsplit(site.url).hostname == demo_site.host:
            site.url = url
            site.save(update_fields=["url"])


def _with_port(host: str) -> str:
    """`host` as browsers write it in front of a path of the hub."""
    return host if settings.PORT == 80 else f"{host}:{settings.PORT}"


def _ensure_activity_types() -> None:
    for code_name, (name, description, enabled) in data.ACTIVITY_TYPES.items():
        ActivityType.objects.get_or_create(
            code_name__fold=code_name,
            defaults={
                "code_name": code_name,
                "name": name,
                "description": description,
                "enabled": enabled,
            },
        )


def _play(
    steps: list[Answer | Visit], channels: dict[str, Channel], consents: dict[str, Consent]
) -> dict[str, Contact]:
    """Let everything happen in the order of time, and return the contacts by who they are."""
    contacts: dict[str, Contact] = {}
    for step in steps:
        if step.who not in contacts:
            guid = journeys.guid_of(step.who)
            contacts[step.who] = Contact.objects.create(guid=guid, created_at=step.at)
        contact, channel = contacts[step.who], channels[step.channel]
        if isinstance(step, Answer):
            record_agreement(
                contact,
                consents[step.consent],
                agreed=step.agreed,
                channel=channel,
                language=step.language,
                at=step.at,
            )
        else:
            _report(step, contact, channel)
    return contacts


def _report(visit: Visit, contact: Contact, channel: Channel) -> None:
    body = json.dumps({"activities": [act.wire for act in visit.acts]}).encode()
    outcomes = record_activities(
        read_activities(read_members(body)),
        contact_guid=contact.guid,
        source=Source(door="headless", channel=channel, request_id=uuid4()),
    )
    codes = [outcome.problem.code if outcome.problem else "" for outcome in outcomes]
    expected = [act.refused_with for act in visit.acts]
    if codes != expected:
        raise DemoFailed(f"{visit.who}: expected {expected}, but got {codes}.")
    # What comes next happens to the contact that this visit made.
    apply_data_inputs(contact.pk)


def _report_events(channel: Channel, now: datetime) -> None:
    people = data.read_people()
    for event in events.SHOP:
        request_id = uuid4()
        person = people[event.who]
        events.report_shop_event(event, person, channel, now=now, request_id=request_id)
        _expect(event.code, request_id)
    for named in events.OTHERS:
        request_id = uuid4()
        events.report_named_event(named, channel, request_id=request_id)
        _expect(named.code, request_id)


def _date_back(newest: int) -> None:
    """Let contacts who came after the one with this id begin with the first thing that they did.

    The hub makes some by itself, and makes them now: those whose email another contact gave.
    """
    first = Activity.objects.filter(contact=OuterRef("pk")).order_by("occurred_at")
    began = Subquery(first.values("occurred_at")[:1])
    Contact.objects.filter(pk__gt=newest, created_at__gt=began).update(created_at=began)


def _expect(code: str, request_id: UUID) -> None:
    found = RejectedActivity.objects.filter(request_id=request_id).values_list("code", flat=True)
    if list(found) != [code] * bool(code):
        raise DemoFailed(f"Expected {code or 'no remark'}, but got {list(found)}.")


def _leave_a_decision(contacts: dict[str, Contact], user: User) -> None:
    """Two contacts with different emails who may be one person: the merge inbox is not empty."""
    request_merge(
        survivor=contacts["Vogel"],
        loser=contacts["Vogel at work"],
        reason=ContactMerge.Reason.MARKETER,
        requested_by=user,
    )
