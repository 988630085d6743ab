"""Telling the demo's story to the hub, through the functions that doors and admin use."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone

from activities.data_input import apply_data_inputs_of
from activities.models import Activity, ActivityType, RejectedActivity
from activities.problems import Status
from activities.recording import Source, record_activities
from channels.keys import create_api_key, note_use, rotate_api_key
from channels.models import Channel
from config.celery import app
from config.demo import data, events, journeys
from config.demo.crm.connecting import ensure_crm
from config.demo.journeys import Answer, Visit
from config.demo.senders import Senders
from config.logins.making import make_user
from config.roles import DEVELOPER, DPO, MARKETER
from consents.agreements import record_agreement
from consents.models import Consent, CurrentAnswer
from consents.texts import save_text
from contacts.annotating import add_note, get_or_create_tag, tag_contacts
from contacts.changes import create_anonymous, date_back
from contacts.duplicates import request_search, search_for_duplicates
from contacts.editing import create_or_update_contact
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from crosssite.models import TrackedSite
from exchange.files import read_items
from exchange.kinds import all_kinds
from exchange.loading import load_items
from groups.finding import group_with_code_name
from groups.membership import add_members
from groups.models import ContactGroup, MembershipEvent
from groups.saving import save_group
from privacy.requests.due import today
from privacy.requests.receiving import receive
from tracking.activecampaign import admission
from tracking.commandersact import receiver as commandersact
from tracking.headless.translation import read_activities, read_members

LOGIN = "demo"
PASSWORD = "demo"  # noqa: S105 -- known to everybody, and refused in production
# Beside it a login for each of these roles, whose name and password are the role's.
ROLE_LOGINS = (MARKETER, DEVELOPER, DPO)

_AUTOMATIONS = Path(__file__).with_name("automations.yaml")

# Any number will do, as long as nothing else in this database locks by it.
_LOCK = 7_246_802


class DemoFailed(Exception):
    """The hub did something else with the demo's data than it should."""


def load_demo(now: datetime | None = None) -> int:
    """Make sure of what the demo has, from its channels to its destination; tell its story once.

    Return how many contacts came new: none if the story has been told before. The story is one
    transaction, so there is never half of it.
    """
    with _tasks_at_once(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        user = _ensure_logins()
        consents = _ensure_consents()
        channels = _ensure_channels(consents[data.TRACKING])
        _ensure_keys(channels[data.APP])
        _ensure_tracked_sites(channels[data.SITE])
        _ensure_activity_types()
        events.ensure_what_events_mean(channels[data.SITE], consents[data.TRACKING])
        steps = journeys.tell(now or timezone.now())
        guids = {journeys.guid_of(step.who) for step in steps}
        before = Contact.objects.count()
        if not Contact.objects.filter(guid__in=guids).exists():
            newest = Contact.objects.aggregate(newest=Max("pk"))["newest"] or 0
            senders = Senders(now or timezone.now())
            contacts = _play(steps, channels, consents, senders)
            _report_events(channels[data.SITE], now or timezone.now(), senders)
            senders.save()
            _leave_a_decision(contacts, user)
            _write_about(contacts, user)
            _leave_requests(contacts, user)
            _date_back(newest)
        _ensure_groups(consents[data.NEWSLETTER])
        loaded = Contact.objects.count() - before
    # What is switched on in the transaction of the story would be told the whole story.
    ensure_crm(consents[data.TRACKING])
    _ensure_automations()
    return loaded


@contextmanager
def _tasks_at_once() -> Iterator[None]:
    """Carry out tasks in this process: there may be no worker yet, and nothing to ring for."""
    before = app.conf.task_always_eager
    app.conf.task_always_eager = True
    try:
        yield
    finally:
        app.conf.task_always_eager = before


def known_logins() -> dict[str, str]:
    """The demo's logins and their passwords, which everybody knows."""
    return {LOGIN: PASSWORD, **{role: role for role in ROLE_LOGINS}}


def _ensure_logins() -> User:
    for role in ROLE_LOGINS:
        if not User.objects.filter(username=role).exists():
            make_user(role, role=role, password=role, email=f"{role}@example.com")
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


def _ensure_keys(channel: Channel) -> None:
    """A key that was rotated, ends soon, and is still used, with the one that replaces it.

    Nobody has their texts, so nobody can use them.
    """
    name, newer = data.ROTATED_KEY
    if channel.api_keys.filter(name=name).exists():
        return
    old, _ = create_api_key(channel, name=name)
    note_use(old, address="198.51.100.7")
    rotate_api_key(old, name=newer, ends_at=timezone.now() + timedelta(days=2))


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
                "goal": code_name in data.GOALS,
            },
        )


def _ensure_groups(newsletter_consent: Consent) -> None:
    for code_name, demo_group in data.GROUPS.items():
        if group_with_code_name(code_name) is not None:
            continue
        group = ContactGroup(
            code_name=code_name,
            name=demo_group.name,
            description=demo_group.description,
            static=demo_group.rule is None,
            visible_to_websites=demo_group.visible_to_websites,
        )
        if demo_group.rule is not None:
            group.rule = demo_group.rule
        save_group(group)
        if code_name == data.NEWSLETTER_READERS:
            readers = CurrentAnswer.objects.agreeing_to(newsletter_consent)
            readers_ids = list(readers.values_list("contact", flat=True))
            add_members(group, readers_ids, cause=MembershipEvent.Cause.CODE)


def _ensure_automations() -> None:
    """Make the emails and automations that are not there; what a user has changed stays so."""
    kinds = all_kinds()
    load_items(
        item
        for item in read_items([_AUTOMATIONS])
        if not kinds[item.value["kind"]]
        .objects()
        .filter(code_name__fold=item.value["code_name"])
        .exists()
    )


def _play(
    steps: list[Answer | Visit],
    channels: dict[str, Channel],
    consents: dict[str, Consent],
    senders: Senders,
) -> dict[str, Contact]:
    """Let everything happen in the order of time, and return the contacts by who they are."""
    contacts: dict[str, Contact] = {}
    for step in steps:
        if step.who not in contacts:
            guid = journeys.guid_of(step.who)
            contacts[step.who] = create_anonymous(guid, created_at=step.at)
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
            _report(step, contact, channel, senders)
    return contacts


def _report(visit: Visit, contact: Contact, channel: Channel, senders: Senders) -> None:
    body = json.dumps({"activities": [act.wire for act in visit.acts]}).encode()
    request_id = uuid4()
    outcomes = record_activities(
        read_activities(read_members(body)),
        contact_guid=contact.guid,
        source=Source(door="headless", channel=channel, request_id=request_id),
    )
    # The inspector has it now, although it is of then.
    RejectedActivity.objects.filter(request_id=request_id).update(at=visit.at)
    codes = [outcome.problem.code if outcome.problem else "" for outcome in outcomes]
    expected = [act.refused_with for act in visit.acts]
    if codes != expected:
        raise DemoFailed(f"{visit.who}: expected {expected}, but got {codes}.")
    recorded = codes.count("")
    senders.add(channel, "headless", visit.at, recorded=recorded, refused=len(codes) - recorded)
    # What comes next happens to the contact that this visit made.
    apply_data_inputs_of(contact.pk)


def _report_events(channel: Channel, now: datetime, senders: Senders) -> None:
    def count(door: str, hours_ago: int, request_id: UUID) -> None:
        lines = RejectedActivity.objects.filter(request_id=request_id)
        refused = lines.exclude(status=Status.INVALID_ACCEPTED).count()
        at = now - timedelta(hours=hours_ago)
        senders.add(channel, door, at, recorded=1 - refused, refused=refused)

    people = data.read_people()
    for event in events.SHOP:
        request_id = uuid4()
        person = people[event.who]
        events.report_shop_event(event, person, channel, now=now, request_id=request_id)
        _expect(event.code, request_id)
        count(commandersact.DOOR, event.hours_ago, request_id)
    for named in events.OTHERS:
        request_id = uuid4()
        events.report_named_event(named, channel, now=now, request_id=request_id)
        _expect(named.code, request_id)
        count(admission.DOOR, named.hours_ago, request_id)


def _date_back(newest: int) -> None:
    """Let contacts who came after the one with this id begin with the first thing that they did.

    The hub makes some by itself, and makes them now: those whose email another contact gave.
    """
    first = Activity.objects.filter(contact=OuterRef("pk")).order_by("occurred_at")
    began = Subquery(first.values("occurred_at")[:1])
    date_back(Contact.objects.filter(pk__gt=newest), began)


def _expect(code: str, request_id: UUID) -> None:
    found = RejectedActivity.objects.filter(request_id=request_id).values_list("code", flat=True)
    if list(found) != [code] * bool(code):
        raise DemoFailed(f"Expected {code or 'no remark'}, but got {list(found)}.")


def _write_about(contacts: dict[str, Contact], user: User) -> None:
    """What colleagues have noted about some, and the tags that they gave."""
    for who, note, tags in data.WRITTEN:
        contact = contacts[who]
        add_note(contact.pk, note, by=user)
        for name in tags:
            tag_contacts([contact.pk], get_or_create_tag(name), by=user)


def _leave_requests(contacts: dict[str, Contact], user: User) -> None:
    """What two people have asked for about their data, for the officer to answer."""
    for who, kind, way, days, notes in data.REQUESTS:
        receive(
            kind,
            contact_id=contacts[who].pk,
            way=way,
            received_on=today() - timedelta(days=days),
            notes=notes,
            by=user,
        )


def _leave_a_decision(contacts: dict[str, Contact], user: User) -> None:
    """Contacts who may be one person: the inbox of decisions has some of two kinds.

    A search for duplicates finds one who mistyped her email.
    """
    request_merge(
        survivor=contacts["Vogel"],
        loser=contacts["Vogel at work"],
        reason=ContactMerge.Reason.MARKETER,
        requested_by=user,
    )
    mistyped = {"first_name": "Marta", "last_name": "Kowalska", "mobile_phone": "58 555 01 64"}
    create_or_update_contact("marta.kowalska@exmaple.com", mistyped)
    search_for_duplicates([request_search(by=user).pk])
