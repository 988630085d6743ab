"""Contact groups of Kentico become groups of the hub."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from consents.models import Consent
from exchange.kentico.importing import import_groups
from groups.models import ContactGroup, GroupBuild
from groups.saving import save_group
from tests.exchange.conftest import run
from tests.exchange.kentico_groups import (
    FEMALE,
    IN_GROUP,
    LOANS,
    a,
    branch,
    group,
    macro,
    rule,
    text,
)
from tests.factories import make_consent

SAMPLES = Path(__file__).parent / "kentico"


@pytest.fixture
def imported(tmp_path):
    """Imports groups whose files are given by their names."""

    def imported(**files):
        for name, written in files.items():
            content = written if isinstance(written, bytes) else written.encode()
            (tmp_path / f"{name}.xml").write_bytes(content)
        return import_groups(tmp_path)

    return imported


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
