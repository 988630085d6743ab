"""Putting in place what is measured: contacts, keys and jobs, made by the hub's own functions.

This is the one module that runs inside of Django, in a `manage.py shell` beside the database.
"""

import json
import sys
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from activities.drafts import Draft
from activities.recording import Source, record_activities
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

_PEOPLE = 500
_ACTIVITIES_OF_A_LOSER = 5


@transaction.atomic
def stage_doors() -> None:
    """Print, as JSON, what the requests of the scenarios need to know."""
    app = Channel.objects.get(code_name=data.APP)
    contacts = Contact.objects.bulk_create(
        Contact(email=f"person-{number}@example.com") for number in range(_PEOPLE)
    )
    staged = {
        "headless": _headless(app, contacts),
        "crosssite": _crosssite(contacts),
        "activecampaign": _activecampaign(app, contacts),
        "commandersact": _commandersact(app),
    }
    sys.stdout.write(json.dumps(staged))


@transaction.atomic
def stage_data_inputs(jobs: int) -> None:
    """Record so many data inputs, each of another contact, and leave them to the workers."""
    source = _source()
    contacts = Contact.objects.bulk_create(Contact() for _ in range(jobs))
    for contact in contacts:
        fields = {
            "ContactFirstName": "Ada",
            "ContactLastName": "Lovelace",
            "ContactEmail": f"{contact.guid}@example.com",
        }
        draft = Draft(type="datainput", value="Registration form", contact_fields=fields)
        record_activities([draft], contact_guid=contact.guid, source=source)


@transaction.atomic
def stage_merges(jobs: int) -> None:
    """Ask for so many merges, each of a contact with a few activities, and leave them as well."""
    source = _source()
    survivors = Contact.objects.bulk_create(
        Contact(email=f"{uuid4()}@example.com") for _ in range(jobs)
    )
    losers = Contact.objects.bulk_create(Contact() for _ in range(jobs))
    visit = Draft(type="pagevisit", value="Home", url="https://www.example.com/")
    for survivor, loser in zip(survivors, losers, strict=True):
        visits = [visit] * _ACTIVITIES_OF_A_LOSER
        record_activities(visits, contact_guid=loser.guid, source=source)
        request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.JOURNEY)


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


def _commandersact(app: Channel) -> dict[str, Any]:
    users = [f"user-{number}" for number in range(_PEOPLE)]
    for user in users:
        identify(Identity(site_id=app.site_id, user_id=user))
    return {"site_id": app.site_id, "source_key": app.source_key, "users": users}


def _source() -> Source:
    channel = Channel.objects.get(code_name=data.APP)
    return Source(door="benchmark", channel=channel, request_id=uuid4())
