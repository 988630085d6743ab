"""Counting what a rule matches while it is written."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from groups import preview
from groups.compiling import Statement
from groups.models import KnownCondition
from groups.preview import Superseded, count, forget_known_conditions, sample
from groups.rules import parse
from tests.browser.waiting import wait_until
from tests.factories import make_contact


def leaf(type, **members):
    return {"type": type, **members}


def field(operator, value, **members):
    return leaf("field", field="company_name", operator=operator, value=value, **members)


def rule(*conditions, match="all"):
    return parse({"match": match, "conditions": list(conditions)})


ALDER, BIRCH = field("equals", "Alder"), field("equals", "Birch")
FROM_USA = leaf("country", values=["USA"])


@pytest.fixture
def people(db):
    return [
        make_contact(company_name="Alder", country="USA"),
        make_contact(company_name="Alder"),
        make_contact(company_name="Birch", country="USA"),
        make_contact(),
    ]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (rule(), 4),
        (rule(match="any"), 0),
        (rule(ALDER), 2),
        (rule({**ALDER, "negate": True}), 2),
        (rule(ALDER, FROM_USA), 1),
        (rule(ALDER, FROM_USA, match="any"), 3),
        (rule(ALDER, {**FROM_USA, "negate": True}), 1),
        (rule({"match": "any", "conditions": [ALDER, BIRCH]}, FROM_USA), 2),
        (rule({"match": "any", "conditions": []}, FROM_USA), 0),
    ],
)
def test_a_preview_counts_what_the_rule_matches(people, tree, expected):
    assert count(tree, "session").count == expected


def test_a_preview_says_what_each_condition_matches_alone(people):
    tree = rule(ALDER, {"match": "any", "conditions": [BIRCH, {**FROM_USA, "negate": True}]})

    assert count(tree, "session").matches == {
        "conditions[0]": 2,
        "conditions[1].conditions[0]": 1,
        "conditions[1].conditions[1]": 2,
    }


def test_an_unknown_birthday_matches_an_age_neither_way(people):
    make_contact(birthday="1990-01-01")
    old = leaf("age", operator=">=", value=18)

    assert count(rule(old), "session").count == 1
    assert count(rule({**old, "negate": True}), "session").count == 0
    assert count(rule({**old, "negate": True}, {**old, "negate": True}), "session").count == 0


def test_the_sample_is_of_live_contacts_that_match(people):
    for _ in range(8):
        make_contact(company_name="Alder")
    found = count(rule(ALDER), "session")
    gone = people[1]
    type(gone).objects.filter(pk=gone.pk).update(merged_into=people[0])

    names = sample(found)

    assert len(names) == 5
    assert {one.company_name for one in names} == {"Alder"}
    assert gone not in names


def test_known_conditions_are_counted_without_reading(people, django_assert_num_queries):
    count(rule(ALDER, FROM_USA, match="any"), "session")

    # What is known, and the cancelling: a savepoint in this transaction, a lock and the look.
    with django_assert_num_queries(5):
        found = count(rule(FROM_USA, {**ALDER, "negate": True}), "session")

    assert found.count == 1


def test_a_count_is_as_old_as_its_oldest_condition_and_refreshed_when_asked(people):
    tree = rule(ALDER)
    count(tree, "session")
    before = timezone.now() - timedelta(minutes=1)
    KnownCondition.objects.update(counted_at=before)
    make_contact(company_name="Alder")

    old = count(tree, "session")
    new = count(tree, "session", refresh=True)

    assert (old.count, old.as_of, old.is_fresh) == (2, before, False)
    assert (new.count, new.is_fresh) == (3, True)


def test_fresh_counts_are_not_counted_again(people):
    tree = rule(ALDER)
    count(tree, "session")
    make_contact(company_name="Alder")

    assert count(tree, "session", refresh=True).count == 2


def test_what_takes_too_long_is_given_up_and_what_is_known_stays(people, monkeypatch):
    count(rule(ALDER), "session")
    monkeypatch.setattr(preview, "LONGEST_SECONDS", 0.2)
    never = Statement("SELECT 1 AS contact_id, true AS holds FROM pg_sleep(30)")
    monkeypatch.setattr(preview, "members", lambda *given, **named: never)

    found = count(rule(ALDER, FROM_USA), "session")

    assert found.count is None
    assert found.matches == {"conditions[0]": 2, "conditions[1]": None}


@pytest.mark.django_db(transaction=True)
def test_a_newer_preview_of_the_same_session_cancels_the_older(monkeypatch):
    make_contact(company_name="Alder")
    outcome = []

    def sleep(*given):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    def old():
        try:
            outcome.append(count(rule(BIRCH), "session"))
        except Superseded:
            outcome.append("superseded")
        finally:
            connections.close_all()

    real = preview._contacts_of
    count(rule(ALDER), "session")
    monkeypatch.setattr(preview, "_contacts_of", sleep)
    thread = threading.Thread(target=old)
    thread.start()
    wait_until(_is_asleep)
    monkeypatch.setattr(preview, "_contacts_of", real)
    started = time.monotonic()

    assert count(rule(ALDER), "another session").count == 1
    assert thread.is_alive()
    assert count(rule(ALDER), "session").count == 1
    thread.join(timeout=10)

    assert outcome == ["superseded"]
    assert time.monotonic() - started < 10


def _is_asleep():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query = 'SELECT pg_sleep(20)' AND application_name LIKE 'preview %'"
        )
        return cursor.fetchone()[0]


def test_conditions_are_forgotten_after_a_day(people):
    count(rule(ALDER), "session")
    KnownCondition.objects.update(counted_at=timezone.now() - timedelta(days=2))
    count(rule(BIRCH), "session")

    # The condition itself and everybody, who were counted anew.
    assert KnownCondition.objects.count() == 3
    assert forget_known_conditions() == 1
    assert KnownCondition.objects.count() == 2
