"""Contact groups in configuration files."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError
from django.db import connections, transaction

from consents.models import Consent
from exchange.dumping import dump
from exchange.loading import load
from exchange.problems import InvalidConfiguration
from groups.locks import lock_rules
from groups.models import ContactGroup, GroupBuild
from groups.saving import save_group
from tests.exchange.conftest import run
from tests.factories import make_channel, make_consent
from tests.threads import wait_until_somebody_waits

pytestmark = pytest.mark.django_db

RULE = {"match": "all", "conditions": [{"type": "country", "values": ["USA"], "negate": True}]}


def group(code_name="a", *conditions, match="all", **members):
    return {
        "kind": "contact_group",
        "code_name": code_name,
        "name": code_name.title(),
        "rule": {"match": match, "conditions": list(conditions)},
        **members,
    }


def within(*code_names):
    return {"type": "group", "groups": list(code_names)}


def test_a_group_is_created_and_built(loaded):
    found = loaded(
        """
        kind: contact_group
        code_name: loan-interest
        name: Interested in loans
        enabled: true
        static: false
        visible_to_websites: true
        rule:
          match: all
          conditions:
          - {type: activity, activities: [pagevisit], url: {operator: contains, value: /loans}}
          - type: activity
            activities: [custom_never_seen]
            at_least: 2
            value: {operator: ">=", value: 5000}
          - {type: country, values: [usa], negate: true}
        """
    )

    assert found.created == ["contact_group/loan-interest"]
    saved = ContactGroup.objects.get()
    assert (saved.name, saved.enabled, saved.static, saved.visible_to_websites) == (
        *("Interested in loans", True, False),
        True,
    )
    assert saved.rule["conditions"][2] == {"type": "country", "values": ["USA"], "negate": True}
    assert GroupBuild.objects.get().group == saved


def test_loading_a_group_again_builds_nothing(loaded):
    loaded(group("a", {"type": "country", "values": ["usa"], "negate": False}))
    GroupBuild.objects.all().delete()

    again = loaded(group("a", {"type": "country", "values": ["USA", "usa"]}))

    assert again.unchanged == ["contact_group/a"]
    assert (GroupBuild.objects.count(), ContactGroup.objects.get().version) == (0, 1)


def test_another_rule_is_a_new_version_and_another_name_is_not(loaded):
    loaded(group("a"))
    GroupBuild.objects.all().delete()

    assert loaded(group("a", name="New")).changed == ["contact_group/a"]
    assert (GroupBuild.objects.count(), ContactGroup.objects.get().version) == (0, 1)
    assert loaded(group("a", RULE)).changed == ["contact_group/a"]
    assert (GroupBuild.objects.count(), ContactGroup.objects.get().version) == (1, 2)


def test_a_rule_that_is_left_out_stays(loaded):
    loaded(group("a", RULE))

    loaded({"kind": "contact_group", "code_name": "A", "enabled": False})

    saved = ContactGroup.objects.get()
    assert (saved.rule, saved.enabled) == ({"match": "all", "conditions": [RULE]}, False)


def test_what_a_rule_names_may_stand_in_the_same_files(loaded):
    everything = [
        group(
            "a",
            within("b"),
            {"type": "consent", "consent": "Mail"},
            {
                "type": "activity",
                "activities": ["pagevisit"],
                "channels": ["site"],
                "tracked_sites": ["shop"],
            },
        ),
        group("b", within("c")),
        group("c"),
        {"kind": "consent", "code_name": "Mail", "name": "Mail"},
        {"kind": "tracked_site", "code_name": "shop", "name": "Shop", "channel": "site"}
        | {"url": "https://shop.example.com"},
        {"kind": "channel", "code_name": "site", "name": "Site", "type": "website"}
        | {"domain": "www.example.com"},
    ]

    assert len(loaded(everything).created) == 6
    assert len(loaded(everything).unchanged) == 6


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (within("Nobody"), "There is no contact group “Nobody”, here or in these files."),
        ({"type": "consent", "consent": "No"}, "There is no consent “No”, here or in these files."),
        (
            {"type": "activity", "activities": ["a"], "channels": ["No"]},
            "There is no channel “No”, here or in these files.",
        ),
        (
            {"type": "activity", "activities": ["a"], "tracked_sites": ["No"]},
            "There is no tracked site “No”, here or in these files.",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_with_its_place(loaded, condition, said):
    nested = {"match": "any", "conditions": [{"type": "inactive", "days": 3}, condition]}

    with pytest.raises(InvalidConfiguration) as refused:
        loaded([group("b"), group("a", nested)])

    assert str(refused.value).endswith(
        f": contact_group/a: rule.conditions[0].conditions[1]: {said}"
    )
    assert ContactGroup.objects.count() == 0


@pytest.mark.parametrize(
    ("rule", "where", "said"),
    [
        (None, "rule", "Must be an object"),
        ("all", "rule", "Must be an object"),
        ({"match": "all"}, "rule.conditions", "Is missing"),
        ({"match": "some", "conditions": []}, "rule.match", "Must be one of: all, any."),
        (
            {"match": "all", "conditions": [{"type": "sunshine"}]},
            "rule.conditions[0].type",
            "Must be one of: ",
        ),
        (
            {"match": "all", "conditions": [{"type": "inactive", "days": 10**9}]},
            "rule.conditions[0].days",
            "from 1 to 100,000",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_place(write, rule, where, said):
    file = write({**group(), "rule": rule})

    with pytest.raises(CommandError) as refused:
        run("load_config", file)

    assert str(refused.value).startswith(f"{file}: contact_group/a: {where}: ")
    assert said in str(refused.value)


def test_a_circle_within_the_files_is_refused_with_its_way(loaded):
    with pytest.raises(InvalidConfiguration, match="It names itself: a → b → c → a"):
        loaded([group("a", within("b")), group("b", within("C")), group("c", within("a"))])
    with pytest.raises(InvalidConfiguration, match="It names itself: a → a"):
        loaded(group("a", within("A")))


def test_a_circle_by_way_of_the_hub_is_refused_with_its_way(loaded):
    loaded([group("a"), group("b", within("a"))])

    with pytest.raises(InvalidConfiguration, match=r"a: rule: .*condition of itself: a → b → a"):
        loaded(group("a", within("b")))


def test_groups_may_change_places(loaded):
    loaded([group("a", within("b")), group("b")])

    assert len(loaded([group("a"), group("b", within("a"))]).changed) == 2


def test_a_chain_of_groups_is_loaded_from_its_end(loaded):
    chain = [group(f"g{number}", within(f"g{number + 1}")) for number in range(30)]

    assert len(loaded([*chain, group("g30")]).created) == 31


def test_a_group_that_names_what_was_deleted_since_still_loads_unchanged(tmp_path):
    make_consent("Mail")
    load_from(tmp_path, [group("a", {"type": "consent", "consent": "Mail"})])
    Consent.objects.all().delete()
    dump(tmp_path / "dump")

    assert "contact_group/a" in load([tmp_path / "dump"]).unchanged

    ContactGroup.objects.all().delete()
    with pytest.raises(InvalidConfiguration, match="There is no consent “Mail”"):
        load([tmp_path / "dump"])


def load_from(folder, objects):
    (folder / "given.json").write_text(json.dumps(objects))
    return load([folder / "given.json"])


def test_a_static_group_is_dumped_without_rule_and_members(tmp_path):
    load_from(tmp_path, [group("a", static=True, description="By hand")])

    dump(tmp_path / "dump")

    assert (tmp_path / "dump" / "contact_group" / "a.yaml").read_text() == (
        "kind: contact_group\n"
        "code_name: a\n"
        "name: A\n"
        "description: By hand\n"
        "enabled: true\n"
        "static: true\n"
        "visible_to_websites: false\n"
    )
    assert "contact_group/a" in load([tmp_path / "dump"]).unchanged


def test_a_list_becomes_dynamic_only_with_a_rule(loaded):
    loaded(group("a", static=True))
    dynamic = {"kind": "contact_group", "code_name": "a", "static": False}

    with pytest.raises(InvalidConfiguration, match=r"contact_group/a: static: .*give the rule"):
        loaded(dynamic)

    assert ContactGroup.objects.get().static
    assert loaded(group("a", RULE, static=False)).changed == ["contact_group/a"]
    assert ContactGroup.objects.get().rule["conditions"] == [RULE]


def test_a_group_saved_by_code_is_dumped_as_it_is(tmp_path):
    make_channel(code_name="app")
    save_group(
        ContactGroup(
            code_name="a",
            name="A",
            rule={
                "match": "any",
                "conditions": [{"channels": ["app"], "activities": ["no"], "type": "activity"}],
            },
        )
    )

    dump(tmp_path)

    assert (tmp_path / "contact_group" / "a.yaml").read_text() == (
        "kind: contact_group\n"
        "code_name: a\n"
        "name: A\n"
        "description: ''\n"
        "enabled: true\n"
        "static: false\n"
        "rule:\n"
        "  match: any\n"
        "  conditions:\n"
        "  - type: activity\n"
        "    activities:\n"
        "    - 'no'\n"
        "    channels:\n"
        "    - app\n"
        "visible_to_websites: false\n"
    )
    assert "contact_group/a" in load([tmp_path]).unchanged


def test_a_rule_with_a_condition_of_the_past_is_dumped_as_it_is(tmp_path):
    rule = {"match": "all", "conditions": [{"type": "moon_phase"}]}
    ContactGroup.objects.create(code_name="a", name="A", rule=rule)

    dump(tmp_path)

    assert "- type: moon_phase\n" in (tmp_path / "contact_group" / "a.yaml").read_text()


@pytest.mark.django_db(transaction=True)
def test_a_load_waits_for_a_user_who_saves_a_rule(write):
    file = write(group("a"))
    load([file])
    file = write(group("a", name="From the file"))
    with ThreadPoolExecutor(1) as executor:
        with transaction.atomic():
            lock_rules()
            loading = executor.submit(load_and_close, file)
            wait_until_somebody_waits()
            ContactGroup.objects.filter(code_name="a").update(description="By a user")

        assert loading.result(timeout=30).changed == ["contact_group/a"]

    saved = ContactGroup.objects.get()
    assert (saved.name, saved.description) == ("From the file", "By a user")


def load_and_close(file):
    try:
        return load([file])
    finally:
        connections.close_all()
