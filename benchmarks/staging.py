"""Putting in place what is measured: contacts, keys and jobs, made by the hub's own functions.

It runs inside of Django, in a `manage.py shell` beside the database, as `grouping` and `grown` do.
"""

import json
import sys
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from activities.drafts import Draft
from activities.logs import ACTIVITIES
from activities.recording import (
    Source,
    record_activities,
    record_for_contacts_soon,
)
from activities.seen import SEEN, catch_up
from channels.keys import create_api_key
from channels.models import Channel
from config.demo import data
from consents.agreements import record_agreement
from contacts.identifying import Identity, identify
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from crosssite import cookies
from crosssite.models import TrackedSite
from crosssite.visitors import appear_on
from database.loop import finish
from readers.positions import place_of

_READ_PEOPLE = 500
_ACTIVITIES_OF_A_LOSER = 5
_VISIT = Draft(type="pagevisit", value="Home", url="https://www.example.com/")


@transaction.atomic
def stage_doors(people: int) -> None:
    """Print, as JSON, what the requests of the scenarios about so many people need to know."""
    app = Channel.objects.get(code_name=data.APP)
    contacts = Contact.objects.bulk_create(
        Contact(email=f"person-{number}@example.com") for number in range(people)
    )
    staged = {
        "headless": _headless(app, contacts),
        "crosssite": _crosssite(contacts),
        "activecampaign": _activecampaign(app, contacts),
        "commandersact": _commandersact(app, people),
    }
    sys.stdout.write(json.dumps(staged))


@transaction.atomic
def stage_data_inputs(jobs: int) -> None:
    """Record so many data inputs, each of another contact, and leave them to the workers."""
    contacts = Contact.objects.bulk_create(Contact() for _ in range(jobs))
    record_data_inputs([contact.guid for contact in contacts])


def record_data_inputs(guids: Iterable[UUID]) -> None:
    """Record a data input of each of these contacts, with an email that nobody has yet."""
    drafts = {}
    for guid in guids:
        fields = {
            "ContactFirstName": "Ada",
            "ContactLastName": "Lovelace",
            "ContactEmail": f"{uuid4()}@example.com",
        }
        drafts[guid] = [Draft(type="datainput", value="Registration form", contact_fields=fields)]
    finish(record_for_contacts_soon(drafts, source=_source()))


@transaction.atomic
def stage_merges(jobs: int) -> None:
    """Ask for so many merges, each of a contact with a few activities, and leave them as well."""
    source = _source()
    survivors = Contact.objects.bulk_create(
        Contact(email=f"{uuid4()}@example.com") for _ in range(jobs)
    )
    losers = Contact.objects.bulk_create(Contact() for _ in range(jobs))
    visits = [_VISIT] * _ACTIVITIES_OF_A_LOSER
    finish(record_for_contacts_soon({loser.guid: visits for loser in losers}, source=source))
    for survivor, loser in zip(survivors, losers, strict=True):
        request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.JOURNEY)


def time_reading(activities: int) -> None:
    """Record so many activities, and print, as JSON, in how many seconds a reader has read them.

    It is the reader `seen`, which reads 10,000 in a transaction, and has read all earlier ones.
    """
    contacts = Contact.objects.bulk_create(Contact() for _ in range(_READ_PEOPLE))
    catch_up()
    source = _source()
    for contact in contacts:
        visits = [_VISIT] * (activities // _READ_PEOPLE)
        record_activities(visits, contact_guid=contact.guid, source=source)
    started_at = time.perf_counter()
    catch_up()
    seconds = time.perf_counter() - started_at
    json.dump({"seconds": seconds, "left": place_of(SEEN.name, ACTIVITIES).count(1)}, sys.stdout)


def _headless(app: Channel, contacts: list[Contact]) -> dict[str, Any]:
    _, key = create_api_key(app, name="Benchmark")
    guids = [str(contact.guid) for contact in contacts]
    return {"key": key, "channel": str(app.guid), "contacts": guids}


def _crosssite(contacts: list[Contact]) -> dict[str, Any]:
    site = TrackedSite.objects.select_related("channel__tracking_consent").get(code_name=data.HOMES)
    channel, consent = site.channel, site.channel.tracking_consent
    assert consent is not None
    brought_back = []
    for contact in contacts:
        appear_on(site, contact)
        record_agreement(
            contact, consent, agreed=True, channel=channel, tracked_site_id=site.pk, language="en"
        )
        answer = HttpResponse()
        cookies.set_cross_site_contact(answer, contact, channel)
        # As today's browsers do, which refuse a third party's other cookies.
        name = cookies.CROSS_SITE_CONTACT_PARTITIONED
        brought_back.append(f"{name}={answer.cookies[name].value}")
    return {"host": channel.domain, "origin": site.url, "cookies": brought_back}


def _activecampaign(app: Channel, contacts: list[Contact]) -> dict[str, Any] | None:
    try:
        resolve("/event")
    except Resolver404:
        return None
    emails = [contact.email for contact in contacts]
    return {"account_id": app.account_id, "event_key": app.event_key, "emails": emails}


def _commandersact(app: Channel, people: int) -> dict[str, Any]:
    users = [f"user-{number}" for number in range(people)]
    for user in users:
        identify(Identity(site_id=app.site_id, user_id=user))
    return {"site_id": app.site_id, "source_key": app.source_key, "users": users}


def _source() -> Source:
    channel = Channel.objects.get(code_name=data.APP)
    return Source(door="benchmark", channel=channel, request_id=uuid4())
