"""A small hub in which everything happens at once: what applications, users and workers do."""

from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Q
from django.db.models.functions import Now
from django.test import Client

from activities.drafts import Draft
from activities.erasing import erase_contact
from activities.jobs import DATA_INPUTS
from activities.recording import Source, record_activities
from adminsite.formatting import change_url
from consents.agreements import record_agreement
from contacts.editing import InvalidContact, update_contact
from contacts.jobs import MERGES, SETTLING, UNDONE
from contacts.merging import CannotMerge, approve_merge, choose_survivor, request_merge
from contacts.models import Contact, ContactIdentifier, ContactMerge
from contacts.profile import FIELDS
from contacts.undoing import CannotUndo, undo_merge
from groups.following import GROUPS
from groups.jobs import BUILDS
from groups.membership import add_members
from groups.models import ContactGroup, MembershipEvent
from groups.saving import save_group
from groups.sweeping import sweep_once
from jobs.working import work_off
from readers.models import ReaderState
from readers.reading import read_next
from tests.factories import make_channel, make_consent, make_contact
from tests.groups.people import agreed, all_of, among, follow, make_group
from tests.threads import run_at_once
from tests.wire.activecampaign_api import ApiClient
from tests.wire.source import EventSource, event

JOBS = (DATA_INPUTS, MERGES, SETTLING, UNDONE, BUILDS)
EMAILS = ("", "ann@example.com", "Ann@Example.com", "bob@example.com", "eve@example.com")
CITIES = ("Bern", "Graz", "Oslo", "Rome")
PEOPLE = 6


def lives_in_city(city):
    return {"type": "field", "field": "city", "operator": "equals", "value": city}


def user_id_of(contact):
    """How a website knows them, which is also so after they were erased."""
    return f"user-{contact.pk}"


def make_groups(number, consent):
    """Groups by name: of a city, of who clicked, of who agrees, of other groups, and a list."""
    clicked = {"type": "activity", "activities": ["click"], "days": 30}
    city = make_group(f"city-{number}", lives_in_city(CITIES[0]))
    clicking = make_group(f"clicking-{number}", clicked)
    listed = make_group(f"list-{number}", static=True)
    make_group(f"agreeing-{number}", agreed(consent))
    make_group(f"others-{number}", among(city, listed, negate=True), among(clicking))
    return {"city": city, "list": listed}


class World:
    """Some people, whom applications, users of the admin and workers deal with at the same time."""

    def __init__(self):
        number = uuid4().hex  # hypothesis makes random numbers repeat
        self.channel = make_channel()
        self.api = ApiClient(self.channel)
        # Of a channel of its own: the answer does not tell whether an event was dropped because
        # its contact was erased meanwhile.
        self.source = EventSource()
        self.consents = [make_consent(f"{name}-{number}") for name in ("Tracking", "Newsletter")]
        self.people = [make_contact() for _ in range(PEOPLE)]
        for contact in self.people:
            ContactIdentifier.objects.create(
                contact=contact,
                site_id=self.source.channel.site_id,
                kind="user_id",
                value=user_id_of(contact),
            )
        self.user = User.objects.create_superuser(f"marketer-{number}")
        self.groups = make_groups(number, self.consents[0])
        # What went wrong in a worker, which tries again and tells no caller.
        self.failures = []
        self.recorded = []

    def play(self, steps):
        """Do all of these at once, while a worker of each kind is at work."""
        calls = [lambda step=step: self._do(*step) for step in steps]
        workers = [lambda job=job: self._work(job) for job in JOBS]
        run_at_once(*calls, *workers, lambda: read_next(GROUPS), sweep_once)

    def work_to_the_end(self):
        """Do what waits until nothing does."""
        for _ in range(20):
            for job in JOBS:
                job.model.objects.filter(job.waiting).update(due_at=Now())
                self._work(job)
            if not any(job.model.objects.filter(job.waiting).exists() for job in JOBS):
                break
        else:
            raise AssertionError("Something waits for ever.")
        # Readers tell no caller, either.
        follow()
        errors = ReaderState.objects.exclude(last_error="").values_list("last_error", flat=True)
        assert list(errors) == []
        return

    def _do(self, what, who, *how):
        with suppress(Contact.DoesNotExist, CannotMerge, InvalidContact):
            getattr(self, what)(self.people[who], *how)

    def _work(self, job):
        def do(keys):
            try:
                job.do(keys)
            except Exception as error:
                self.failures.append(error)
                raise

        work_off(replace(job, do=do))

    def give(self, person, email, city):
        """A form is filled in, and names this email and city."""
        fields = {"ContactEmail": email, "ContactCity": city}
        drafts = [
            Draft(type="datainput", value="Form", contact_fields=fields, client_id=str(uuid4())),
            Draft(type="click", value=f"Seen by {person.guid}"),
        ]
        source = Source(door="test", channel=self.channel, request_id=uuid4())
        outcomes = record_activities(drafts, contact_guid=person.guid, source=source)
        # Nobody is brought back by an email that an erased person had.
        assert all(one.accepted or one.problem.code == "erased" for one in outcomes)
        self.recorded += [one for one in outcomes if one.accepted]

    def sync(self, person, email, city):
        """A program asks by email for a contact, who may be another one, and changes them."""
        response = self.api.post("/contact/sync", {"contact": {"email": email, "lastName": city}})
        is_refused = response.status_code == 422
        assert is_refused == (not email or "erased" in response.text), response.text
        assert is_refused or response.status_code in (200, 201)

    def tell_event(self, person, email, city):
        """A website tells what a user does in a browser of their own, their email and city."""
        id = user_id_of(person)
        user = {"id": id, "consistent_anonymous_id": id, "email": email, "city": city}
        response = self.source.post(event("page_view", user=user))
        assert response.status_code == 200, response.content

    def merge(self, person, other):
        survivor, loser = choose_survivor(
            Contact.objects.get(pk=person.pk), Contact.objects.get(pk=self.people[other].pk)
        )
        request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)

    def undo(self, person):
        """A user undoes the last merges of somebody."""
        done = ContactMerge.objects.filter(
            Q(survivor=person.pk) | Q(loser=person.pk), status=ContactMerge.Status.DONE
        )
        for key in done.order_by("-pk").values_list("pk", flat=True)[:2]:
            with suppress(CannotUndo):
                undo_merge(key, by=self.user)

    def decide(self, person):
        """Merges that wait for a decision are carried out, whatever their emails are."""
        for merge in ContactMerge.objects.filter(status=ContactMerge.Status.REVIEW):
            with suppress(CannotMerge):
                approve_merge(merge, by=self.user)

    def edit(self, person, email, city):
        update_contact(person.pk, {"email": email, "city": city})

    def save_page(self, person, city):
        """A user opens the contact's page and saves another city."""
        client = Client()
        client.force_login(self.user)
        contact = Contact.objects.get(pk=person.pk)
        shown = {name: getattr(contact, name) or "" for name in FIELDS}
        form = {f"initial-{name}": value for name, value in shown.items()} | shown
        response = client.post(change_url(contact), form | {"city": city})
        # A contact that was merged cannot be edited any more.
        assert response.status_code in (200, 302, 403)

    def answer(self, person, consent, agreed):
        record_agreement(person, self.consents[consent], agreed=agreed)

    def put_on_list(self, person):
        add_members(self.groups["list"], [person.pk], cause=MembershipEvent.Cause.CODE)

    def change_rule(self, person, city):
        """A user saves another city as what a group asks for."""
        group = ContactGroup.objects.get(pk=self.groups["city"].pk)
        group.rule = all_of(lives_in_city(city))
        save_group(group)

    def erase(self, person):
        erase_contact(person.pk)

    def deadlocks(self):
        return [error for error in self.failures if isinstance(error, OperationalError)]
