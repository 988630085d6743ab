"""Reading rules: their normal form, and what is refused, where, and in which words."""

import json
from datetime import date

import pytest

from groups.rules import InvalidRule, digest, parse, to_json

COUNTRY = {"type": "country", "values": ["USA"]}


def nested(depth, leaf=COUNTRY):
    """A rule of so many levels."""
    rule = {"match": "all", "conditions": [leaf]}
    for _ in range(depth - 1):
        rule = {"match": "any", "conditions": [rule]}
    return rule


def rule_of(*leaves):
    return {"match": "all", "conditions": list(leaves)}


def done(**members):
    return {"type": "activity", "activities": ["pagevisit"], **members}


def test_the_normal_form_reads_as_itself():
    rule = rule_of(
        COUNTRY,
        {"type": "country", "values": ["usa", "Usa"], "negate": False},
        done(match="any", at_least=1, days="30", value={"operator": ">=", "value": "5000.0"}),
        done(activities=["A", "b", "a"], match="all", negate=True, url=None, channels=["x"]),
        done(properties=[{"name": "p", "operator": "=", "value": 0.1}]),
        {"type": "consent", "consent": "C", "version": "any"},
        {"type": "field", "field": "zip", "operator": ">", "value": 1e22},
        {"type": "field", "field": "birthday", "operator": ">", "value": date(2000, 2, 29)},
        {"match": "any", "conditions": []},
    )

    normal = to_json(parse(rule))

    assert normal == rule_of(
        COUNTRY,
        COUNTRY,
        done(days=30, value={"operator": ">=", "value": 5000}),
        {**done(activities=["A", "b"], match="all", channels=["x"]), "negate": True},
        done(properties=[{"name": "p", "operator": "=", "value": 0.1}]),
        {"type": "consent", "consent": "C"},
        {"type": "field", "field": "zip", "operator": ">", "value": 1e22},
        {"type": "field", "field": "birthday", "operator": ">", "value": "2000-02-29"},
        {"match": "any", "conditions": []},
    )
    assert to_json(parse(json.loads(json.dumps(normal)))) == normal


def test_digests_are_of_what_is_asked_without_its_negation():
    first, turned, other = parse(
        rule_of(COUNTRY, {**COUNTRY, "negate": True}, {**COUNTRY, "values": ["AUT"]})
    ).conditions

    assert digest(first) == digest(turned) != digest(other)


def test_eight_levels_and_a_hundred_conditions_are_not_too_many():
    assert parse(nested(8))
    assert parse(rule_of(*[COUNTRY] * 100))


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (None, ""),
        ([], ""),
        ("all", ""),
        ({}, "match"),
        ({"match": "some", "conditions": []}, "match"),
        ({"match": ["all"], "conditions": []}, "match"),
        ({"match": "all"}, "conditions"),
        ({"match": "all", "conditions": {}}, "conditions"),
        ({"match": "all", "conditions": [], "negate": True}, "negate"),
        ({"match": "all", "conditions": [], 5: True}, "5"),
        (rule_of("x"), "conditions[0]"),
        (rule_of({}), "conditions[0]"),
        (rule_of({"type": "nonsense"}), "conditions[0].type"),
        (rule_of({"type": ["field"]}), "conditions[0].type"),
        (nested(9), "conditions[0]" + ".conditions[0]" * 7),
        (nested(2000), "conditions[0]" + ".conditions[0]" * 7),
        (rule_of(*[COUNTRY] * 101), ""),
        (rule_of(*[COUNTRY] * 10_000), ""),
        (rule_of(*[{"match": "any", "conditions": []}] * 10_000), ""),
        (rule_of({**COUNTRY, "negate": "yes"}), "conditions[0].negate"),
        (rule_of({**COUNTRY, "colour": "red"}), "conditions[0].colour"),
        (rule_of({**COUNTRY, "values": []}), "conditions[0].values"),
        (rule_of({**COUNTRY, "values": "USA"}), "conditions[0].values"),
        (rule_of({**COUNTRY, "values": ["USA", "US"]}), "conditions[0].values[1]"),
        (rule_of({"type": "state", "values": ["XX"]}), "conditions[0].values[0]"),
        (rule_of({"type": "field_empty", "field": "guid"}), "conditions[0].field"),
        (rule_of({"type": "field", "field": "nonsense", "operator": "equals", "value": "x"}),
         "conditions[0].field"),
        (rule_of({"type": "field", "field": "city", "operator": "like", "value": "x"}),
         "conditions[0].operator"),
        (rule_of({"type": "field", "field": "city", "operator": ">", "value": 5}),
         "conditions[0].operator"),
        (rule_of({"type": "field", "field": "city", "operator": ["equals"], "value": "x"}),
         "conditions[0].operator"),
        (rule_of({"type": "field", "field": "city", "operator": "contains", "value": ""}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "city", "operator": "contains", "value": "a\0"}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "city", "operator": "contains", "value": "\ud800"}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "city", "operator": "contains", "value": "a" * 1001}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "city", "operator": "contains", "value": None}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "zip", "operator": ">", "value": "5,000"}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "zip", "operator": ">", "value": True}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "zip", "operator": ">", "value": float("nan")}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "zip", "operator": ">", "value": 10**5000}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "zip", "operator": "equals", "value": 10**5000}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "birthday", "operator": "contains", "value": "19"}),
         "conditions[0].operator"),
        (rule_of({"type": "field", "field": "birthday", "operator": "=", "value": "1.1.2000"}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "birthday", "operator": "=", "value": "2000-02-30"}),
         "conditions[0].value"),
        (rule_of({"type": "field", "field": "birthday", "operator": "=", "value": 2000}),
         "conditions[0].value"),
        (rule_of({"type": "age", "operator": "equals", "value": 18}), "conditions[0].operator"),
        (rule_of({"type": "age", "operator": "=", "value": -1}), "conditions[0].value"),
        (rule_of({"type": "age_between", "from": 30, "to": 20}), "conditions[0].to"),
        (rule_of({"type": "birthday", "day": "someday"}), "conditions[0].day"),
        (rule_of({"type": "birthday"}), "conditions[0].day"),
        (rule_of({"type": "birthday", "day": "today", "within_days": 5}), "conditions[0].day"),
        (rule_of({"type": "birthday", "within_days": 0}), "conditions[0].within_days"),
        (rule_of({"type": "consent"}), "conditions[0].consent"),
        (rule_of({"type": "consent", "consent": "x", "version": 3}), "conditions[0].version"),
        (rule_of({"type": "group", "groups": []}), "conditions[0].groups"),
        (rule_of({"type": "group", "groups": [5]}), "conditions[0].groups[0]"),
        (rule_of(done(activities=[])), "conditions[0].activities"),
        (rule_of(done(activities=["x"] * 251)), "conditions[0].activities"),
        (rule_of(done(days=0)), "conditions[0].days"),
        (rule_of(done(days=-1)), "conditions[0].days"),
        (rule_of(done(days=10**9)), "conditions[0].days"),
        (rule_of(done(days=100_001)), "conditions[0].days"),
        (rule_of(done(days=1.5)), "conditions[0].days"),
        (rule_of(done(days=True)), "conditions[0].days"),
        (rule_of(done(at_least=0)), "conditions[0].at_least"),
        (rule_of(done(since="entry")), "conditions[0].since"),
        (rule_of(done(url="/loans")), "conditions[0].url"),
        (rule_of(done(url={"operator": ">", "value": 5})), "conditions[0].url.operator"),
        (rule_of(done(value={"operator": ">", "value": "abc"})), "conditions[0].value.value"),
        (rule_of(done(url={"operator": "equals", "value": "x", "case": 1})),
         "conditions[0].url.case"),
        (rule_of(done(properties=[{"operator": "equals", "value": "x"}])),
         "conditions[0].properties[0].name"),
        (rule_of(done(properties={})), "conditions[0].properties"),
        (rule_of({"type": "inactive"}), "conditions[0].days"),
        (rule_of({"type": "last_seen", "operator": "ago", "value": 1}), "conditions[0].operator"),
        (rule_of({"type": "created", "operator": "within_days", "value": 0}),
         "conditions[0].value"),
        (rule_of(COUNTRY, {"match": "any", "conditions": [{"type": "inactive", "days": 0}]}),
         "conditions[1].conditions[0].days"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_why(rule, path):
    with pytest.raises(InvalidRule) as refused:
        parse(rule)

    assert refused.value.path == path
    assert refused.value.detail.endswith(".")
    assert len(str(refused.value)) < 500
