"""What a batch of the reader of groups costs, and what it need not look at."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consents.agreements import record_agreement
from contacts.editing import update_contact
from groups import following, looking
from groups.compiling import known_of
from groups.facts import ENTRIES
from groups.followed import followed_groups
from groups.models import ContactGroup, MembershipEvent
from groups.rules import parse
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.groups.people import (
    agreed,
    among,
    events,
    follow,
    lives_in,
    make_group,
    members,
    visited,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_contacts_and_groups_that_can_be_different_are_looked_at(monkeypatch):
    contact, consent = make_contact(), make_consent()
    make_group("visitors", visited())
    make_group("swiss", lives_in("CHE"))
    make_group("agreeing", agreed(consent))
    make_group("calculating", visited(activities=["custom_loan_calculator"]))
    looked_at = []
    look = looking._look

    def keep(group, rule, asked, now):
        looked_at.append((ContactGroup.objects.get(pk=group.id).code_name, set(asked)))
        return look(group, rule, asked, now)

    monkeypatch.setattr(looking, "_look", keep)
    other = make_contact()
    make_activity(contact)
    follow()
    assert looked_at == [("visitors", {contact.pk})]

    looked_at.clear()
    record_agreement(other, consent, agreed=True)
    update_contact(contact.pk, {"city": "Bern"})
    follow()
    assert looked_at == [("agreeing", {other.pk})]


def test_a_batch_costs_the_same_queries_for_many_contacts_as_for_few():
    make_group("visitors", visited())
    make_group("recent", visited(days=30))
    make_group("not-american", lives_in("USA", negate=True), visited())
    follow()

    def cost(count):
        for contact in [make_contact() for _ in range(count)]:
            make_activity(contact)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            follow()
        return len(queries)

    cost(1)
    assert cost(12) <= cost(2)


def test_a_group_more_costs_a_batch_one_look_more():
    """What names stand for is known from the look before."""
    consent, channel = make_consent("newsletter"), make_channel(code_name="app")
    conditions = (visited(channels=["app"]), agreed(consent))
    first = make_group("group", *conditions)

    def cost():
        followed_groups()
        make_activity(make_contact(), channel=channel)
        with CaptureQueriesContext(connection) as queries:
            follow()
        return len(queries)

    cost_of_one = cost()
    for number in range(4):
        make_group(f"group-{number}", *conditions, among(first, negate=True))
    assert cost() == cost_of_one + 4


@pytest.mark.parametrize(
    "changed",
    [
        {"enabled": False},
        {"name": "Other"},
        {"code_name": "other"},
        {"static": False, "built_version": 0},
    ],
)
def test_what_is_known_of_names_is_looked_up_anew_when_it_is_different(changed):
    named = make_group("list", static=True)
    group = make_group("others", among(named))

    def known():
        return followed_groups()[group.pk].served.known

    before = known()
    assert known() is before
    ContactGroup.objects.filter(pk=named.pk).update(**changed)
    assert known() == known_of(parse(group.rule)) != before


def test_entries_are_passed_over_as_long_as_no_rule_names_a_group(monkeypatch):
    group, contact, read = make_group("visitors", visited()), make_contact(), []
    entry = {"group": group, "contact": contact, "entered": True, "cause": "code"}
    monkeypatch.setattr(following, "_follow", lambda log, ids: read.append((log, ids)))
    MembershipEvent.objects.create(**entry)
    follow()
    make_group("outer", among(group), built=False)
    later = MembershipEvent.objects.create(**entry)
    follow()

    assert [ids for log, ids in read if log is ENTRIES] == [[later.pk]]


def test_entries_are_read_only_of_groups_that_a_rule_names(monkeypatch):
    group, read = make_group("visitors", visited()), []
    entries_in = following.entries_in
    monkeypatch.setattr(
        following, "entries_in", lambda *args: read.append(args) or entries_in(*args)
    )
    make_activity()
    follow()
    assert (len(events(group)), read) == (1, [])

    outer = make_group("outer", among(group))
    make_activity(make_contact())
    follow()
    assert [named for _, named in read] == [{group.pk}]
    assert len(members(outer)) == 2
