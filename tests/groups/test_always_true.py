"""Whatever happens, and in whatever order, each group's members are those of its rule."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import Activity, ActivityType
from consents.agreements import record_agreement
from consents.texts import save_text
from contacts.editing import update_contact
from contacts.merging import CannotMerge, choose_survivor, request_merge
from contacts.models import Contact, ContactMerge
from contacts.touching import touch
from groups import sweeping
from groups.jobs import BUILDS
from groups.models import ContactGroup
from groups.saving import save_group
from groups.sweeping import compare_meanings, sweep
from jobs.working import work_off
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.groups.people import agreed, among, any_of, follow, lives_in, make_group, visited
from tests.invariants.rules import assert_groups_are_true, assert_history_of_groups_adds_up
from tests.work import do_merges

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = 40
COUNTRIES = ("CHE", "USA", "AUT", "")


class Hub:
    """Some people and groups, to whom things happen."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.consent, self.channel = make_consent(), make_channel()
        self.page = ActivityType.objects.get(code_name="pagevisit")
        self.people = [make_contact().pk for _ in range(6)]
        loans = visited(url={"operator": "contains", "value": "/loans"}, days=30, at_least=2)
        first = make_group("first", loans)
        second = make_group("second", among(first, negate=True), lives_in("USA", negate=True))
        self.groups = [
            first,
            second,
            make_group("third", any_of(among(second), agreed(self.consent, version="current"))),
            make_group("quiet", {"type": "inactive", "days": 30}),
            make_group("changing", *self.conditions()),
        ]

    def conditions(self):
        choices = [
            visited(),
            visited(days=30, negate=True),
            lives_in("CHE"),
            lives_in("USA", negate=True),
            agreed(self.consent),
            agreed(self.consent, version="current", negate=True),
            {"type": "field_empty", "field": "city"},
            {"type": "created", "operator": "within_days", "value": 30},
            {"type": "last_seen", "operator": "before_days", "value": 30},
        ]
        return self.random.sample(choices, 2)

    def person(self):
        live = Contact.objects.live().order_by("pk").values_list("pk", flat=True)
        return self.random.choice(list(live) or [self.add()])

    def step(self):
        names = ["visit"] * 4 + ["change", "answer", "pass_time"] * 2
        names += ["add", "merge", "erase", "touch", "edit_rule", "switch", "text", "read", "build"]
        name = self.random.choice(names)
        getattr(self, name)()
        return name

    def visit(self):
        ago = timedelta(days=self.random.choice([0, 1, 29, 31, 400]))
        url = self.random.choice(["https://example.com/loans", "https://example.com/"])
        make_activity(
            Contact.objects.get(pk=self.person()),
            channel=self.channel,
            url=url,
            occurred_at=timezone.now() - ago,
        )

    def change(self):
        fields = {"country": self.random.choice(COUNTRIES), "city": self.random.choice(["", "X"])}
        update_contact(self.person(), fields)

    def answer(self):
        contact = Contact.objects.get(pk=self.person())
        record_agreement(contact, self.consent, agreed=self.random.random() < 0.7)

    def add(self):
        contact = make_contact(country=self.random.choice(COUNTRIES))
        self.people.append(contact.pk)
        return contact.pk

    def merge(self):
        one, other = (Contact.objects.get(pk=self.person()) for _ in range(2))
        survivor, loser = choose_survivor(one, other)
        try:
            request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
        except CannotMerge:
            return
        do_merges()

    def erase(self):
        if Contact.objects.live().count() > 3:
            erase_contact(self.person())

    def touch(self):
        pk = self.person()
        newest = Activity.objects.filter(contact=pk).order_by("-pk").first()
        if newest:
            newest.delete()
            touch(pk)

    def pass_time(self):
        """Nine days pass: all that happened is so much older."""
        with connection.cursor() as cursor:
            for table, column in (
                ("activities_activity", "occurred_at"),
                ("contacts_contact", "created_at"),
                ("groups_membershipdue", "due_at"),
            ):
                cursor.execute(f"UPDATE {table} SET {column} = {column} - interval '9 days'")

    def edit_rule(self):
        group = ContactGroup.objects.get(code_name="changing")
        group.rule = {"match": self.random.choice(["all", "any"]), "conditions": self.conditions()}
        save_group(group)

    def switch(self):
        group = ContactGroup.objects.get(code_name=self.random.choice(["first", "quiet"]))
        group.enabled = not group.enabled
        save_group(group)

    def text(self):
        save_text(self.consent, language="en", short_text=f"<p>{self.random.random()}</p>")

    def read(self):
        follow()
        sweep(5)

    def build(self):
        work_off(BUILDS)

    def settle(self):
        """What workers do until nothing is left to do."""
        for _ in range(4):
            do_merges()
            follow()
            sweep(5)
            compare_meanings()
            work_off(BUILDS)
        follow()
        sweep(5)


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_true_after_whatever_happened(seed, monkeypatch):
    monkeypatch.setattr(sweeping, "_compared", frozenset())
    hub = Hub(seed)
    done = []
    for number in range(STEPS):
        done.append(hub.step())
        if number % 10 == 9:
            hub.settle()
            assert_groups_are_true()
            assert_history_of_groups_adds_up()
