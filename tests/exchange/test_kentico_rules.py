"""Rules of Kentico become conditions, and what has none is said."""

import pytest

from exchange.kentico.conditions import There, translate
from exchange.kentico.macros import read_condition
from tests.exchange.kentico_groups import (
    FEMALE,
    IN_GROUP,
    LOANS,
    PAGE,
    a,
    branch,
    macro,
    rule,
    text,
)

FIELD = "CMSContactFieldContainsValue"
FOLLOWING = "CMSContactHasDoneFollowingActivitiesInTheLastXDays"
WITH_VALUE = "CMSContactHasPerformedActivityWithValueInTheLastXDays"
LABEL = "CMSContactHasEnteredDataThroughSpecifiedSourceInTheLastXDays"
LANDING = "CMSContactHasComeToLandingPageWithSpecifiedURL"
AGREED = "CMSContactHasAgreedWithConsent"
VISITED = {
    "type": "activity",
    "activities": ["pagevisit"],
    "url": {"operator": "contains", "value": "/loans"},
    "days": 30,
}
THERE = There({"mail"}, {"a": "A", "b": "b", "1f0e": "A"}, {"b"})


def translated(*rules):
    return translate(read_condition(macro(*rules)), THERE)


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        (
            rule(FIELD, field="ContactFirstName", op="StartsWith", value="An\\n%_'"),
            {"type": "field", "field": "first_name", **text("starts_with", "An\\n%_'")},
        ),
        (
            rule(FIELD, field="ContactNotes", op="NotContains;does not contain", value="é"),
            {"type": "field", "field": "notes", **text("does_not_contain", "é")},
        ),
        (
            rule("CMSContactFieldValueIsEmpty", field="ContactEmail", _is="__isnot"),
            {"type": "field_empty", "field": "email", "negate": True},
        ),
        (rule(AGREED, _perfectum="", consent="Mail"), {"type": "consent", "consent": "Mail"}),
        (
            rule("CMSContactAgeIsGreaterThan", op="==", age="30"),
            {"type": "age", "operator": "=", "value": 30},
        ),
        (
            rule("CMSContactAgeIsGreaterThan", op="<=", age="30"),
            {"type": "age", "operator": "<=", "value": 30},
        ),
        (
            rule("CMSContactAgeIsBetween", _is="__is", age1="20", age2="30"),
            {"type": "age_between", "from": 20, "to": 30},
        ),
        (
            rule("CMSContactHasBirthday", _is="!", days="-1"),
            {"type": "birthday", "day": "yesterday", "negate": True},
        ),
        (
            rule("CMSContactIsFromCountry", _is="", countries="USA;CzechRepublic;deu"),
            {"type": "country", "values": ["USA", "CZE", "DEU"]},
        ),
        (
            rule("CMSContactIsFromState", _is="", states='["NewYork", "CA"]'),
            {"type": "state", "values": ["NY", "CA"]},
        ),
        (
            rule(IN_GROUP, _is="", _any="true", groups="a;1F0E"),
            {"type": "group", "groups": ["A", "A"], "match": "all"},
        ),
        (
            rule("CMSContactHasDoneAnyActivityInTheLastXDays", _perfectum="", days="7"),
            {"type": "inactive", "days": 7, "negate": True},
        ),
        (
            rule("CMSContactHasDoneAnyActivityInTheLastXDays", _perfectum="!", days=""),
            {"type": "inactive", "days": 100_000, "negate": False},
        ),
        (
            rule("CMSContactInactiveInTheLastXDays", days="90"),
            {"type": "inactive", "days": 90},
        ),
        (
            rule(FOLLOWING, _perfectum="!", _any="false;any", activities="click", days="100001"),
            {"type": "activity", "activities": ["click"], "match": "any", "negate": True},
        ),
        (
            rule(FOLLOWING, _perfectum="", _any="true", activities="click;x y", days="100000"),
            {"type": "activity", "activities": ["click", "x y"], "match": "all", "days": 100_000},
        ),
        (
            rule(WITH_VALUE, _activity="a", _op="NotEquals", _value="", days=""),
            {"type": "activity", "activities": ["a"], "value": text("not_equals", "")},
        ),
        (
            rule("CMSContactHasPerformedCustomActivityWithValue", activity="a", op="Contains")[:-4]
            + '<p n="value"><v>5</v></p></r>',
            {"type": "activity", "activities": ["a"], "value": text("contains", "5")},
        ),
        (
            rule(LABEL, _perfectum="", label="Form", days="3"),
            {"type": "data_input", "label": text("equals", "Form"), "days": 3},
        ),
        (LOANS, VISITED),
        (
            rule(LANDING, _perfectum="!", url="spring"),
            {"type": "landing_page", "url": text("contains", "spring"), "negate": True},
        ),
    ],
)
def test_each_rule_with_a_condition_becomes_it(given, condition):
    found = translated(branch(), given)

    assert found.rule == {"match": "all", "conditions": [condition]}
    assert (found.reasons, found.wider) == ([], False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (FEMALE, "CMSContactIsFemale was left out: contacts have no gender here."),
        (rule("CMSContactIsMale"), "no gender"),
        (rule("CMSContactIsMember"), "no members of a website"),
        (rule("CMSContactHasBecomeMember"), "no members of a website"),
        (rule("CMSContactIsInRecipientList", list="News"), "imported as a static group"),
        (rule("CMSContactHasVisitedSpecifiedPageInLastXDays", item="5d6e"), "pages with a GUID"),
        (rule("CMSContactHasVisitedPage", item="5d6e"), "pages with a GUID"),
        (rule("CMSContactHasComeToSpecifiedLandingPage", item="5d6e"), "pages with a GUID"),
        (rule("CMSContactHasSubmittedSpecifiedFormInLastXDays", item="F"), "forms are none"),
        (rule("CMSContactHasSubmittedForm", item="F"), "forms are none"),
        (rule("CMSContactHasClickedOnLinkInEmailInTheLastXDays"), "no emails of Kentico"),
        (rule("CMSContactHasClickedOnSpecificEmailUrlInLastXDays"), "no emails of Kentico"),
        (rule("CMSContactHasClickedOnSpecificEmailUrl"), "no emails of Kentico"),
        (rule("CMSCurrentDayOfTheWeekIsOneOfSpecifiedDays"), "the weekday"),
        (rule("CMSCurrentDayTimeIsInRange"), "the weekday"),
        (rule("CMSCurrentMonthIs"), "the weekday"),
        (rule("CMSSatisfiesMacroCondition"), "written by hand"),
        (rule("AcmeOwnRule"), "AcmeOwnRule was left out: the hub does not know this rule."),
        (rule(PAGE, days="3"), "it has no parameter “url”."),
        (rule(PAGE, url="/a", days="0"), "0 days are no time."),
        (rule(PAGE, url="/a", days="-3"), "-3 days are no time."),
        (rule(PAGE, url="/a", days="soon"), "“soon” is no whole number."),
        (rule(PAGE, url="/a", days="3", _perfectum="perhaps"), "“perhaps” is not known here."),
        (rule(PAGE, url="", days="3"), "url.value: Must not be empty."),
        (rule(PAGE, url="x" * 1001), "url.value: Has at most 1,000 characters."),
        (rule("CMSContactInactiveInTheLastXDays", days=""), "does not say for how many days."),
        (
            rule(FIELD, field="ContactShoeSize", op="Equals", value="42"),
            "no field “ContactShoeSize”",
        ),
        (rule(FIELD, field="ContactBirthday", op="Equals", value="1"), "A birthday is a date."),
        (rule(FIELD, field="ContactEmail", op="Resembles", value="1"), "“Resembles” is not known"),
        (rule("CMSContactHasBirthday", days="2"), "neither yesterday nor today nor tomorrow."),
        (rule("CMSContactAgeIsGreaterThan", op="~", age="3"), "“~” is not known here."),
        (rule("CMSContactAgeIsBetween", age1="30", age2="20"), "CMSContactAgeIsBetween was left"),
        (rule("CMSContactIsFromCountry", countries="Narnia"), "no country is called “Narnia”."),
        (
            rule("CMSContactIsFromState", states="Ontario"),
            "no state of the USA is called “Ontario”",
        ),
        (rule("CMSContactIsFromState", states=" ; "), "the list “states” is empty."),
        (rule("CMSContactIsFromState", states="[1"), "the list “states” cannot be read."),
        (rule(IN_GROUP, groups="a", _any="most"), "“most” is not known here."),
    ],
)
def test_a_rule_without_condition_is_left_out_with_its_reason(given, said):
    found = translated(branch(), given)

    assert found.rule is None
    assert said in found.reasons[0]
    assert found.reasons[0].endswith(".")


@pytest.mark.parametrize(
    ("given", "condition", "said"),
    [
        (
            rule("CMSContactIsFromCountry", _is="{}", countries="USA;Narnia"),
            {"type": "country", "values": ["USA"]},
            "no country is called “Narnia”, which was left out",
        ),
        (
            rule(AGREED, _perfectum="{}", consent="Nobody"),
            {"type": "consent", "consent": "Nobody"},
            "there is no consent “Nobody”, so nobody agrees to it; add it with this code name",
        ),
        (
            rule(IN_GROUP, _is="{}", groups="A;c"),
            {"type": "group", "groups": ["A", "c"], "match": "any"},
            "there is no contact group “c”, so nobody is in it; add it with this code name",
        ),
        (
            rule(IN_GROUP, _is="{}", groups="B"),
            {"type": "group", "groups": ["b"], "match": "any"},
            "“b” was imported in part only",
        ),
    ],
)
@pytest.mark.parametrize("negated", [False, True])
def test_what_is_lost_of_a_rule_makes_its_group_wider_if_it_is_turned_round(
    given, condition, said, negated
):
    found = translated(branch(), given.replace("{}", "!" if negated else ""))

    assert found.rule["conditions"] == [condition | ({"negate": True} if negated else {})]
    assert found.reasons[0].endswith(f": {said}.")
    assert found.wider == negated


def test_all_without_a_rule_is_wider_and_any_is_not():
    assert translated(branch(), LOANS, FEMALE.replace('pos="0"', 'pos="1"')).wider
    assert not translated(
        branch(), LOANS, FEMALE.replace('pos="0"', 'pos="1"').replace("and", "or")
    ).wider


def test_an_emptied_branch_is_not_everybody():
    emptied = rule("CMSContactIsMale", 0, "1")
    either = translated(branch(0), LOANS, branch(1, operator="or"), emptied)
    both = translated(branch(0), LOANS, branch(1, operator="and"), emptied)

    assert either.rule == both.rule == {"match": "all", "conditions": [VISITED]}
    assert (either.wider, both.wider) == (False, True)


def shape(node):
    """A rule as a text: a & b, (a | b)."""
    if "url" in node:
        return node["url"]["value"]
    sign = {"all": " & ", "any": " | "}[node["match"]]
    return sign.join(
        f"({shape(one)})" if "conditions" in one else shape(one) for one in node["conditions"]
    )


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([a("a", parent="")], "a"),
        ([a("b", 1, ""), a("a", 0, "", "or")], "a & b"),
        ([branch(), a("a"), a("b", 1, operator="or")], "a | b"),
        (
            [branch(), a("a"), a("b", 1, operator="or"), branch(1), a("c", 0, "1")],
            "(a | b) & c",
        ),
        (
            [branch(0), a("a"), a("b", 1), branch(1, operator="or"), a("c", 0, "1")],
            "(a & b) | c",
        ),
        ([branch(), a("a"), a("b", 1), branch(1), a("c", 0, "1"), a("d", 1, "1")], "a & b & c & d"),
        ([branch(), a("a"), a("b", 1, operator="or"), a("c", 2)], "a | (b & c)"),
        ([branch(), a("a"), a("b", 1), a("c", 2, operator="or")], "(a & b) | c"),
        ([branch(), a("a"), branch(1), branch(2, operator="or")], "a"),
        (
            [branch(), branch(0, "0"), a("a", 0, "0.0"), a("b", 1, "0_0", "or"), a("c", 1)],
            "(a | b) & c",
        ),
        (
            [a(str(number), number, "") for number in range(11)],
            "0 & 1 & 2 & 3 & 4 & 5 & 6 & 7 & 8 & 9 & 10",
        ),
    ],
)
def test_rules_keep_how_they_go_together(rules, expected):
    assert shape(translated(*rules).rule) == expected


def test_rules_whose_quotes_are_not_escaped_are_read_too():
    xml = f"<rules>{LOANS.replace('par="0"', 'par=""')}</rules>"

    branch = read_condition(f'{{%Rule("x", "{xml}")|(hash)0%}}')

    assert translate(branch, THERE).rule["conditions"] == [VISITED]
