"""Contact groups of Kentico become groups of the hub."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from consents.models import Consent
from exchange.kentico.conditions import There, translate
from exchange.kentico.importing import import_groups
from exchange.kentico.macros import read_condition
from exchange.kentico.places import find_country, find_state
from groups.models import ContactGroup, GroupBuild
from groups.saving import save_group
from tests.exchange.conftest import run
from tests.exchange.kentico_groups import branch, group, macro, rule
from tests.factories import make_consent

SAMPLES = Path(__file__).parent / "kentico"
PAGE = "CMSContactHasVisitedPageWithURLInLastXDays"
FIELD = "CMSContactFieldContainsValue"
FOLLOWING = "CMSContactHasDoneFollowingActivitiesInTheLastXDays"
WITH_VALUE = "CMSContactHasPerformedActivityWithValueInTheLastXDays"
LABEL = "CMSContactHasEnteredDataThroughSpecifiedSourceInTheLastXDays"
LANDING = "CMSContactHasComeToLandingPageWithSpecifiedURL"
IN_GROUP = "CMSContactIsInContactGroup"
AGREED = "CMSContactHasAgreedWithConsent"
FEMALE = rule("CMSContactIsFemale", _is="")
LOANS = rule(PAGE, _perfectum="", url="/loans", days="30")
VISITED = {
    "type": "activity",
    "activities": ["pagevisit"],
    "url": {"operator": "contains", "value": "/loans"},
    "days": 30,
}
THERE = There({"mail"}, {"a": "A", "b": "b", "1f0e": "A"}, {"b"})


@pytest.fixture
def imported(tmp_path):
    """Imports groups whose files are given by their names."""

    def imported(**files):
        for name, text in files.items():
            content = text if isinstance(text, bytes) else text.encode()
            (tmp_path / f"{name}.xml").write_bytes(content)
        return import_groups(tmp_path)

    return imported


def translated(*rules):
    return translate(read_condition(macro(*rules)), THERE)


def conditions(*rules):
    return translated(branch(), *rules).rule["conditions"]


def text(operator, value):
    return {"operator": operator, "value": value}


@pytest.mark.django_db
def test_the_samples_are_imported_as_they_are():
    make_consent("TrackingConsent")

    found = import_groups(SAMPLES)

    assert len(found.created) == 17
    assert found.partly.keys() == {"Applicants", "WomenAndLoans"}
    assert found.refused.keys() == {"OnWeekends"}
    groups = {group.code_name: group for group in ContactGroup.objects.all()}
    assert groups.keys() == {*found.created, *found.partly}
    assert GroupBuild.objects.count() == 19 - 3  # static, and switched off
    assert groups["NewsletterReaders"].static
    assert not groups["Asleep"].enabled
    assert groups["Colleagues"].name == "Colleagues, “the firm”"
    assert groups["Colleagues"].rule == {
        "match": "any",
        "conditions": [
            {"type": "field", "field": "company_name"} | text("equals", 'Alder "Bank" & Sons'),
            {"type": "field", "field": "email"} | text("ends_with", "@alderbank.example"),
        ],
    }
    assert groups["HotLeads"].rule == {
        "match": "any",
        "conditions": [
            {
                "match": "all",
                "conditions": [
                    {"type": "group", "groups": ["LoanReaders", "BigCalculations"]},
                    {"type": "group", "groups": ["Colleagues"], "negate": True},
                ],
            },
            {
                "match": "all",
                "conditions": [
                    {
                        "type": "activity",
                        "activities": ["pagevisit"],
                        "url": text("contains", "/apply"),
                    },
                    {"type": "consent", "consent": "TrackingConsent"},
                ],
            },
        ],
    }


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


def a(url, position=0, parent="0", operator="and"):
    return rule(PAGE, position, parent, operator, url=url)


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


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *(("USA", "USA"), ("us", "USA"), ("UnitedStates", "USA"), ("UnitedKingdom", "GBR")),
        *(("SouthKorea", "KOR"), ("Côte d'Ivoire", "CIV"), ("Bolivia", "BOL"), ("Kosovo", "XKX")),
        *(("Russia", "RUS"), ("the Bahamas", "BHS"), ("Korea", ""), ("Narnia", ""), ("", "")),
    ],
)
def test_countries_are_found_however_they_are_written(name, code):
    assert find_country(name) == code


@pytest.mark.parametrize(
    ("name", "code"), [("New York", "NY"), ("us-ca", "CA"), ("DistrictOfColumbia", "DC"), ("x", "")]
)
def test_states_are_found_however_they_are_written(name, code):
    assert find_state(name) == code


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "about", "said"),
    [
        ("", "bad.xml", "It is not XML: no element found"),
        ("<om.contactgroup>", "bad.xml", "It is not XML: "),
        (b"\xff\xfe\x00", "bad.xml", "It is not XML: "),
        ('<?xml version="1.0" encoding="x-none"?><a/>', "bad.xml", "It is not XML: "),
        ("<om.contact/>", "bad.xml", "This is no contact group: its root is “om.contact”"),
        ("<om.contactgroup/>", "bad.xml", "It has no ContactGroupName."),
        (
            '<!DOCTYPE a [<!ENTITY x "y">]><om.contactgroup>&x;</om.contactgroup>',
            "bad.xml",
            "It has a document type, which is refused.",
        ),
        (" " * 5_000_001, "bad.xml", "It has more than 5,000,000 bytes."),
        (group("Bad", condition="{%Contact.Age > 3%}"), "Bad", "a macro that was written by hand."),
        (group("Bad", condition="<rules"), "Bad", "a macro that was written by hand."),
        (
            group("Bad", condition="<rules><r></rules>"),
            "Bad",
            "Its rules cannot be read. It is not",
        ),
        (
            group("Bad", condition='{%Rule("x", "<!DOCTYPE a><rules/>")%}'),
            "Bad",
            "Its rules cannot be read. It has a document type",
        ),
        (group("Bad", condition=macro(a("a", 0, "7"))), "Bad", "belongs to the group 7, which is"),
        (
            group("Bad", condition=macro(a("a", "x", ""))),
            "Bad",
            "order of its rules cannot be read.",
        ),
        (
            group("Bad", condition=macro(a("a", 0, "", "xor"))),
            "Bad",
            "order of its rules cannot be",
        ),
        (group("Bad", condition=macro(a("a", 0, "0." * 30))), "Bad", "one another too many times."),
        (group("Bad", condition=macro("<x/>")), "Bad", "Its rules have “x” among them."),
        (group("Bad", FEMALE), "Bad", "Nothing is left of its condition. CMSContactIsFemale was"),
        (
            group("a b", LOANS),
            "a b",
            "code_name: Use letters, digits, underscores, dots and hyphens",
        ),
        (
            group("Bad", LOANS, DisplayName="x" * 201),
            "Bad",
            "name: Ensure this value has at most 200",
        ),
        (
            group("Bad", *(a(str(number), number) for number in range(101))),
            "Bad",
            "The hub cannot have its rule: A rule has at most 100 conditions.",
        ),
    ],
)
def test_a_bad_file_is_one_refusal_and_stops_no_other(imported, content, about, said):
    found = imported(bad=content, good=group("Good", LOANS), zebra=group("Zebra", LOANS))

    assert found.created == ["Good", "Zebra"]
    assert list(found.refused) == [about]
    assert said in found.refused[about]


@pytest.mark.django_db
def test_a_group_in_part_is_switched_off_if_it_would_be_wider(imported):
    found = imported(
        narrow=group("Narrow", LOANS, rule("CMSContactIsMale", 1, operator="or")),
        wide=group("Wide", LOANS, rule("CMSContactIsMale", 1)),
        dependent=group("Dependent", rule(IN_GROUP, _is="!", groups="Narrow")),
    )

    enabled = dict(ContactGroup.objects.values_list("code_name", "enabled"))
    assert enabled == {"Narrow": True, "Wide": False, "Dependent": False}
    assert found.created == []
    assert found.partly["Narrow"] == [
        "CMSContactIsMale was left out: contacts have no gender here."
    ]
    assert found.partly["Wide"][1].startswith("Without that, the group would have more members")
    assert found.partly["Dependent"][0] == f"{IN_GROUP}: “Narrow” was imported in part only."


@pytest.mark.django_db
def test_a_group_without_condition_is_nobody(imported):
    found = imported(a=group("a", condition=""), b=group("b", condition=macro(branch())))

    nobody = {"match": "any", "conditions": []}
    reasons = ["It has no condition: nobody is in it until you give it one."]
    assert found.partly == {"a": reasons, "b": reasons}
    assert [group.rule for group in ContactGroup.objects.all()] == [nobody, nobody]


@pytest.mark.django_db
def test_groups_are_created_after_those_that_they_name(imported):
    guid = "0b7f5a52-0a4c-4a52-9f0e-6a6b7d1c2d3e"

    found = imported(
        a=group("A", rule(IN_GROUP, groups="b")),
        b=group("B", rule(IN_GROUP, groups=guid.upper())),
        c=group("C", LOANS, GUID=guid),
    )

    assert found.created == ["A", "B", "C"]
    assert ContactGroup.objects.get(code_name="A").rule["conditions"][0]["groups"] == ["B"]
    assert ContactGroup.objects.get(code_name="B").rule["conditions"][0]["groups"] == ["C"]


@pytest.mark.django_db
def test_groups_in_circles_are_refused_with_the_way(imported):
    found = imported(
        a=group("A", rule(IN_GROUP, groups="B")),
        b=group("B", rule(IN_GROUP, groups="C")),
        c=group("C", rule(IN_GROUP, groups="A")),
        d=group("D", rule(IN_GROUP, groups="D")),
        e=group("E", rule(IN_GROUP, groups="A")),
        f=group("F", LOANS),
    )

    assert found.refused.keys() == {"A", "B", "C", "D"}
    assert found.refused["D"] == "It is a condition of itself: D → D."
    ways = {"A → B → C → A", "B → C → A → B", "C → A → B → C"}
    assert {found.refused[name].removesuffix(".").rpartition(": ")[2] for name in "ABC"} <= ways
    assert "there is no contact group “A”" in found.partly["E"][0]
    assert found.created == ["F"]


@pytest.mark.django_db
def test_groups_that_the_hub_has_stay_as_they_are(imported):
    save_group(ContactGroup(code_name="loans", name="Ours"))

    found = imported(
        a=group("Loans", LOANS), b=group("B", rule(IN_GROUP, groups="LOANS")), c=group("b", LOANS)
    )

    assert found.refused == {
        "Loans": "The hub has a contact group with this code name already, which stays as it is.",
        "c.xml": "b.xml has a group with the same code name.",
    }
    assert found.created == ["B"]
    assert ContactGroup.objects.get(code_name="loans").name == "Ours"


@pytest.mark.django_db
def test_of_a_repository_the_groups_alone_are_read(tmp_path):
    folder = tmp_path / "App_Data" / "CIRepository" / "@global" / "om.contactgroup"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(group("A", LOANS))
    (tmp_path / "App_Data" / "repository.config.xml").write_text("<RepositoryConfiguration/>")

    assert import_groups(tmp_path).created == ["A"]
    assert import_groups(folder).refused.keys() == {"A"}


@pytest.mark.django_db
def test_the_command_prints_one_object(tmp_path):
    (tmp_path / "a.xml").write_text(group("A", LOANS))
    (tmp_path / "b.xml").write_text("no XML")

    printed = json.loads(run("import_kentico_groups", tmp_path))

    assert printed["created"] == ["A"]
    assert printed["partly"] == {}
    assert printed["refused"]["b.xml"].startswith("It is not XML: ")


@pytest.mark.django_db
def test_where_there_is_nothing_to_import_the_command_says_so(tmp_path, settings):
    with pytest.raises(CommandError, match=r"nowhere: There is no such folder\."):
        run("import_kentico_groups", tmp_path / "nowhere")
    with pytest.raises(CommandError, match=r"There is no \.xml file in this folder"):
        run("import_kentico_groups", tmp_path)
    settings.READ_ONLY = True
    with pytest.raises(CommandError, match=r"The hub is read-only\."):
        run("import_kentico_groups", SAMPLES)
    assert Consent.objects.count() == 0
