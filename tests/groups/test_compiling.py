"""How rules become statements: what they begin with, how long they are, and when they turn."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from groups import planner
from groups.compiling import (
    by_plan,
    formula_of_tree,
    known_of,
    members,
    of_contacts,
    plans_for,
)
from groups.conditions import Scene
from groups.explaining import explain
from groups.models import ContactGroup, Membership
from groups.rules import InvalidRule, parse, to_json
from groups.saving import save_group
from tests.factories import make_activity, make_activity_type, make_channel, make_consent
from tests.groups.evaluating import run

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VISITED = {"type": "activity", "activities": ["pagevisit"], "days": 30}
NOT_USA = {"type": "country", "values": ["USA"], "negate": True}
AGREED = {"type": "consent", "consent": "TrackingConsent"}
YOUNG = {"type": "created", "operator": "within_days", "value": 60}


def rule_of(*leaves, match="all"):
    return parse({"match": match, "conditions": list(leaves)})


def visit_url(text, **members):
    return {**VISITED, "url": {"operator": "contains", "value": text}, **members}


def one_of(rule, contact, now=NOW):
    """Whether it holds for a contact, and when that may turn."""
    return run(of_contacts(rule, [contact.pk], now=now))[contact.pk]


def test_what_users_write_is_never_in_the_sql():
    text = "'; DROP TABLE contacts_contact; --%s {} \\"
    for statement in (
        members(rule_of(visit_url(text)), now=NOW),
        of_contacts(rule_of(visit_url(text)), [1], now=NOW),
    ):
        assert "drop" not in statement.sql.lower()
        assert any(text.lower() == value for value in statement.params)
        run(statement)


def test_the_rarest_condition_comes_first(monkeypatch):
    monkeypatch.setattr(planner, "_estimates", {})
    rare, common = make_activity_type("rare"), make_activity_type("common")
    contacts = Contact.objects.bulk_create(Contact(created_at=NOW) for _ in range(300))
    channel = make_channel()
    made = make_activity(contacts[0], type=rare, channel=channel, occurred_at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activities_activity (type_id, contact_id, channel_id, title, value, url,"
            " referrer, occurred_at, recorded_at, logged_as, request_id)"
            " SELECT %s, contact.id, channel_id, title, value, url, referrer,"
            " occurred_at, recorded_at, logged_as, request_id FROM activities_activity AS a,"
            " contacts_contact AS contact, generate_series(1, 20) WHERE a.id = %s",
            [common.pk, made.pk],
        )
        cursor.execute("ANALYZE activities_activity, contacts_contact")
    did_rare, did_common = ({**VISITED, "activities": [name]} for name in ("rare", "common"))

    for rule in (rule_of(did_common, did_rare, NOT_USA), rule_of(did_rare, did_common)):
        formula = formula_of_tree(rule, Scene(NOW, known_of(rule)))
        plan = min(plans_for(formula), key=lambda plan: plan.work)

        assert plan.driver.atom is not None
        assert f"a.type_id = {rare.pk}" in plan.driver.atom.all.sql % plan.driver.atom.all.params
        # The other is looked at for the one contact that is left.
        assert plan.looks.joined == []
        assert members(rule, now=NOW) == by_plan(formula, plan)
        assert run(members(rule, now=NOW)).keys() == {contacts[0].pk}


def test_a_statement_grows_with_its_rule_and_no_faster():
    def deep(levels):
        leaves = [visit_url(f"{levels} {n}", negate=bool(n % 2)) for n in range(12)]
        nested = [deep(levels - 1)] if levels > 1 else []
        return {"match": "any" if levels % 2 else "all", "conditions": [*leaves, *nested]}

    statement = of_contacts(parse(deep(8)), [1], now=NOW)

    assert len(statement.sql) < 100_000
    assert run(statement) == {}


def test_given_contacts_cost_a_query_for_each_kind_of_name_and_no_estimate():
    make_consent()
    group = {"type": "group", "groups": ["a", "b"]}
    rule = rule_of(visit_url("x"), visit_url("y"), AGREED, group, NOT_USA)

    with CaptureQueriesContext(connection) as queries:
        of_contacts(rule, [1, 2], now=NOW)

    assert len(queries) == 3


def test_given_contacts_have_one_row_each_if_they_are_live():
    one, other = Contact.objects.create(), Contact.objects.create()
    merged = Contact.objects.create(merged_into=one)

    for rule in (rule_of(), rule_of(match="any"), rule_of(VISITED)):
        rows = run(of_contacts(rule, [one.pk, other.pk, merged.pk, 10**9], now=NOW))
        assert rows.keys() == {one.pk, other.pk}
    assert run(of_contacts(rule_of(), [], now=NOW)) == {}
    assert run(members(rule_of(match="any"), now=NOW)) == {}


@pytest.fixture
def visitor():
    """Visited a page 20 days ago, and was created 40 days ago."""
    contact = Contact.objects.create(created_at=NOW - timedelta(days=40))
    make_activity(contact, occurred_at=NOW - timedelta(days=20))
    return contact


IN_10, IN_20 = NOW + timedelta(days=10), NOW + timedelta(days=20)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (rule_of(VISITED), (True, IN_10)),
        (rule_of({**VISITED, "negate": True}), (False, IN_10)),
        (rule_of(VISITED, YOUNG), (True, IN_10)),
        (rule_of(VISITED, YOUNG, match="any"), (True, IN_20)),
        (rule_of({**VISITED, "negate": True}, {**YOUNG, "negate": True}), (False, IN_20)),
        (rule_of({**VISITED, "negate": True}, {**YOUNG, "negate": True}, match="any"),
         (False, IN_10)),
        # What time alone never brings leaves nothing to wait for.
        (rule_of(VISITED, AGREED), (False, None)),
        (rule_of({**VISITED, "negate": True}, AGREED), (False, None)),
        (rule_of(VISITED, NOT_USA, match="any"), (True, None)),
        (rule_of(VISITED, AGREED, match="any"), (True, IN_10)),
        (rule_of({"match": "any", "conditions": [AGREED, VISITED]}, NOT_USA), (True, IN_10)),
        (rule_of({**VISITED, "at_least": 2}), (False, None)),
        (rule_of({"type": "inactive", "days": 10}), (True, None)),
        (rule_of({"type": "inactive", "days": 30}), (False, IN_10)),
    ],
)  # fmt: skip
def test_when_time_alone_may_turn_the_answer(visitor, rule, expected):
    assert one_of(rule, visitor) == expected
    rows = run(members(rule, now=NOW))
    assert rows == ({visitor.pk: expected} if any(expected) else {})


def test_the_second_newest_of_two_ends_the_window(visitor):
    make_activity(visitor, occurred_at=NOW - timedelta(days=5))
    make_activity(visitor, occurred_at=NOW - timedelta(days=29))

    assert one_of(rule_of({**VISITED, "at_least": 2}), visitor) == (True, IN_10)


def test_membership_in_other_groups_is_the_stored_one(visitor):
    group = ContactGroup.objects.create(name="A", code_name="a", built_version=1)
    rule = rule_of({"type": "group", "groups": ["A"]})

    assert one_of(rule, visitor) == (False, None)
    Membership.objects.create(group=group, contact=visitor)
    assert one_of(rule, visitor) == (True, None)


def test_days_begin_at_midnight_where_the_hub_is_also_when_it_comes_late(settings):
    # On 24 April 2026 the day begins at one o'clock in Cairo.
    settings.TIME_ZONE = "Africa/Cairo"
    contact = Contact.objects.create(birthday=datetime(2000, 4, 24).date())
    rule = rule_of({"type": "birthday", "day": "today"})
    begins = datetime(2026, 4, 23, 22, tzinfo=UTC)

    held, due = one_of(rule, contact, begins - timedelta(hours=1))
    assert (held, due) == (False, begins)
    held, due = one_of(rule, contact, begins)
    assert (held, due) == (True, datetime(2026, 4, 24, 21, tzinfo=UTC))


def test_a_midnight_that_comes_twice_is_the_first_one(settings):
    # On 25 October 2026 the clock goes from one o'clock back to midnight in the Azores.
    settings.TIME_ZONE = "Atlantic/Azores"
    contact = Contact.objects.create(birthday=datetime(2000, 10, 25).date())
    rule = rule_of({"type": "birthday", "day": "today"})
    begins = datetime(2026, 10, 25, 0, tzinfo=UTC)

    assert one_of(rule, contact, begins - timedelta(minutes=1)) == (False, begins)
    assert one_of(rule, contact, begins)[0] is True


def test_a_rule_that_looks_at_as_much_as_a_rule_may_is_carried_out_and_explained():
    """PostgreSQL takes so many columns only, and a rule of many types would need more."""
    types = [f"t{number}" for number in range(15)]
    for name in types:
        make_activity_type(name)

    def done(days, count=15):
        return {"type": "activity", "activities": types[:count], "match": "all", "days": days}

    # That is 26 times 15 things, and 10.
    full = [done(days) for days in range(1, 27)] + [done(100, 9), {**YOUNG, "negate": True}]
    rule = rule_of(*full, match="any")
    contact = Contact.objects.create(created_at=NOW)

    assert one_of(rule, contact) == (False, NOW + timedelta(days=60))
    assert run(members(rule, now=NOW)) == {contact.pk: (False, NOW + timedelta(days=60))}
    group = ContactGroup(name="A", code_name="a", rule=to_json(rule))
    save_group(group)
    assert explain(group, contact)["rule"]["conditions"][-1]["holds"] in (True, False)
    with pytest.raises(InvalidRule, match=r"^This rule looks at 401 things; a rule looks at 400 "):
        rule_of(*full, done(1, 1), match="any")
