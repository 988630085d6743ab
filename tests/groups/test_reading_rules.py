"""What a rule says in English, what it cares about, what is wrong with it, and cycles."""

import pytest

from activities.models import ActivityType
from contacts.places import country_names, state_names
from crosssite.models import TrackedSite
from groups.caring import cares_of
from groups.conditions import condition_of
from groups.models import ContactGroup
from groups.ordering import check_cycle, referenced_groups
from groups.problems import problems_of
from groups.rules import InvalidRule, parse
from groups.sentences import sentence
from tests.factories import make_activity_type, make_channel, make_consent

pytestmark = pytest.mark.django_db


def rule_of(*leaves, match="all"):
    return parse({"match": match, "conditions": list(leaves)})


def done(*types, **members):
    return {"type": "activity", "activities": list(types), **members}


def in_groups(*code_names):
    return {"type": "group", "groups": list(code_names)}


LOANS = done("pagevisit", days=30, url={"operator": "contains", "value": "/loans"})
CALCULATED = done("custom_loan_calculator", at_least=2, value={"operator": ">=", "value": 5000})
AGREED = {"type": "consent", "consent": "trackingconsent"}
ABROAD = {"type": "country", "values": ["USA"], "negate": True}


def test_a_rule_is_one_sentence():
    make_activity_type()
    make_consent()

    assert sentence(rule_of(LOANS, CALCULATED, AGREED, ABROAD)) == (
        "Every contact who has done “Page visit” with a URL that contains “/loans” within the last "
        "30 days, and has done “Loan calculator usage” with a value that is at least 5,000 at "
        "least twice, and has agreed to “Tracking consent”, and is not from "
        "the United States."
    )


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        ({"type": "field", "field": "city", "operator": "does_not_contain", "value": "x"},
         "has a city that does not contain “x”"),
        ({"type": "field", "field": "zip", "operator": "=", "value": 1010, "negate": True},
         "does not have a ZIP that is 1,010"),
        ({"type": "field", "field": "birthday", "operator": ">=", "value": "2000-01-31"},
         "has a birthday that is on or after 2000-01-31"),
        ({"type": "field_empty", "field": "email"}, "has no email"),
        ({"type": "field_empty", "field": "email", "negate": True}, "has an email"),
        ({"type": "age", "operator": ">=", "value": 18}, "has an age that is at least 18"),
        ({"type": "age_between", "from": 18, "to": 25, "negate": True},
         "is not between 18 and 25 years old"),
        ({"type": "birthday", "day": "today"}, "has a birthday that is today"),
        ({"type": "birthday", "within_days": 1, "negate": True},
         "has a birthday that is not within the next 1 day"),
        ({"type": "state", "values": ["CA", "NY", "TX"]}, "is from California, New York or Texas"),
        ({"type": "state", "values": ["CA", "DC"]},
         "is from California or the District of Columbia"),
        ({"type": "country", "values": ["AUT", "NLD", "GBR"], "negate": True},
         "is not from Austria, the Netherlands or the United Kingdom"),
        ({"type": "consent", "consent": "gone", "version": "current", "negate": True},
         "has not agreed to a current text of “gone”"),
        ({"type": "group", "groups": ["a", "b"], "match": "all"}, "is in “a” and “b”"),
        ({**done("a", "b"), "channels": ["app"], "match": "all"}, "has done “a” and “b” on app"),
        (done("a", properties=[{"name": "p", "operator": "equals", "value": "x"}], at_least=3),
         "has done “a” with a property “p” that is equal to “x” at least 3 times"),
        ({"type": "data_input", "label": {"operator": "equals", "value": "x"}, "negate": True},
         "has not entered data with a label that is equal to “x”"),
        ({"type": "landing_page", "url": {"operator": "ends_with", "value": "x"}, "days": 1},
         "has come to a landing page with a URL that ends with “x” within the last 1 day"),
        ({"type": "inactive", "days": 90}, "has done nothing within the last 90 days"),
        ({"type": "inactive", "days": 90, "negate": True},
         "has done something within the last 90 days"),
        ({"type": "created", "operator": "within_days", "value": 7},
         "was created within the last 7 days"),
        ({"type": "last_seen", "operator": "before_days", "value": 7},
         "was last seen more than 7 days ago, or never"),
        ({"match": "any", "conditions": [AGREED, {"match": "all", "conditions": [in_groups("a")]}]},
         "has agreed to “trackingconsent”, or is in “a”"),
    ],
)  # fmt: skip
def test_conditions_in_words(leaf, said):
    assert sentence(rule_of(leaf)) == f"Every contact who {said}."


def test_only_places_that_there_are_stand_with_an_article():
    for of_type, names in (("country", country_names()), ("state", state_names())):
        codes = condition_of(of_type).with_article
        assert codes <= names.keys()
        assert codes >= {code for code, name in names.items() if name.startswith("United ")}


def test_nested_rules_stand_in_brackets():
    either = {"match": "any", "conditions": [in_groups("a"), in_groups("b")]}

    assert sentence(rule_of(in_groups("c"), either)) == (
        "Every contact who is in “c”, and (is in “a”, or is in “b”)."
    )
    nobody = {"match": "any", "conditions": []}
    assert sentence(rule_of(in_groups("c"), nobody)) == (
        "Every contact who is in “c”, and is no contact."
    )
    assert sentence(rule_of()) == "All contacts."
    assert sentence(rule_of(match="any")) == "No contact."


def test_a_rule_cares_about_what_it_looks_at():
    loan, consent = make_activity_type(), make_consent()
    group = ContactGroup.objects.create(name="A", code_name="a")
    visit = ActivityType.objects.get(code_name="pagevisit")

    cares = cares_of(rule_of(LOANS, CALCULATED, AGREED, ABROAD, in_groups("A", "later")))

    assert cares.activity_types == {loan.pk, visit.pk}
    assert cares.fields == {"country"}
    assert cares.consents == {consent.pk}
    assert cares.groups == {group.pk}
    assert not cares.created
    assert not cares.current_texts
    assert cares_of(rule_of({**AGREED, "version": "current"})).current_texts
    assert cares_of(rule_of({"type": "inactive", "days": 3})).activity_types is None
    birthday = cares_of(rule_of({"type": "age", "operator": "=", "value": 18}))
    assert birthday.fields == {"birthday"}
    assert birthday.activity_types == frozenset()


@pytest.mark.parametrize(
    ("leaf", "matters"),
    [
        (ABROAD, True),
        ({**ABROAD, "negate": False}, False),
        (LOANS, False),
        ({**LOANS, "negate": True}, True),
        ({"type": "inactive", "days": 3}, True),
        ({"type": "last_seen", "operator": "within_days", "value": 3}, False),
        ({"type": "created", "operator": "within_days", "value": 3}, True),
        ({"type": "created", "operator": "before_days", "value": 3}, True),
        ({"type": "field_empty", "field": "city"}, True),
        ({"type": "field_empty", "field": "city", "negate": True}, False),
        ({"type": "field", "field": "city", "operator": "not_equals", "value": "x"}, True),
        ({"type": "field", "field": "city", "operator": "equals", "value": ""}, True),
        ({"type": "field", "field": "city", "operator": "equals", "value": "x"}, False),
        ({"type": "age", "operator": "<", "value": 18}, False),
    ],
)
def test_whether_a_new_contact_without_anything_matters(leaf, matters):
    assert cares_of(rule_of(leaf)).created is matters


def test_what_is_deleted_switched_off_or_never_seen_is_said():
    make_activity_type("off", name="Old", enabled=False)
    ContactGroup.objects.create(name="Off", code_name="off", enabled=False)
    website = make_channel(kind="website", domain="www.example.com")
    TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://a.example.com", channel=website, enabled=False
    )
    tree = rule_of(
        ABROAD,
        {"match": "any", "conditions": [done("OFF", "never", channels=["no"]), in_groups("off")]},
        done("pagevisit", tracked_sites=["shop", "none"]),
        {"type": "consent", "consent": "gone"},
        in_groups("gone"),
    )

    found = [(problem.path, problem.text.partition(":")[0]) for problem in problems_of(tree)]

    assert found == [
        ("conditions[1].conditions[0]", "The activity type “Old” is switched off"),
        ("conditions[1].conditions[0]", "No activity of type “never” was ever seen"),
        ("conditions[1].conditions[0]", "There is no channel “no” any more"),
        ("conditions[1].conditions[1]", "The contact group “Off” is switched off"),
        ("conditions[2]", "The tracked site “Shop” is switched off"),
        ("conditions[2]", "There is no tracked site “none” any more"),
        ("conditions[3]", "There is no consent “gone” any more"),
        ("conditions[4]", "There is no contact group “gone” any more"),
    ]


def make_group(code_name, *named):
    return ContactGroup.objects.create(
        name=code_name,
        code_name=code_name,
        rule={"match": "all", "conditions": [in_groups(*named)] if named else []},
    )


def test_a_group_that_names_itself_through_three_others_is_refused_with_the_way():
    first = make_group("a")
    make_group("b", "c")
    make_group("c", "x", "D")
    make_group("d", "A")

    with pytest.raises(InvalidRule, match="a → b → c → D → a"):
        check_cycle(first, rule_of(AGREED, in_groups("b")))
    with pytest.raises(InvalidRule, match="a → a"):
        check_cycle(first, rule_of(in_groups("A")))
    check_cycle(make_group("e"), rule_of(in_groups("b", "nowhere")))


def test_a_cycle_among_others_is_not_walked_for_ever():
    make_group("b", "c")
    make_group("c", "b")

    check_cycle(make_group("a"), rule_of(in_groups("b")))


def test_groups_that_a_rule_names():
    nested = {"match": "any", "conditions": [in_groups("b", "C")]}

    assert referenced_groups(rule_of(AGREED, in_groups("a"), nested)) == {"a", "b", "C"}
