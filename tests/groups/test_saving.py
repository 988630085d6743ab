"""Saving and deleting groups: what is refused, what is built, and what stays as it is."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from groups.models import ContactGroup, GroupBuild, Membership, MembershipEvent
from groups.rules import InvalidRule
from groups.saving import GroupInUse, delete_group, save_group
from tests.factories import make_contact
from tests.groups.people import among, lives_in, make_group, visited
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db


def waiting():
    builds = GroupBuild.objects.filter(status="waiting").order_by("pk")
    return list(builds.values_list("group__code_name", "version"))


def test_a_rule_is_kept_in_its_normal_form():
    group = make_group("swiss", lives_in("che", negate=False), built=False)

    assert group.rule == {"match": "all", "conditions": [lives_in("CHE")]}
    assert waiting() == [("swiss", 1)]


def test_a_rule_that_cannot_be_is_refused_and_nothing_saved():
    with pytest.raises(InvalidRule) as refused, transaction.atomic():
        make_group("bad", visited(days=0), built=False)

    assert refused.value.path == "conditions[0].days"
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize("code_name", ["", "with space", "slash/", "SWISS"])
def test_code_names_that_cannot_be_are_refused(code_name):
    make_group("swiss", lives_in("CHE"), built=False)

    with pytest.raises(ValidationError) as refused:
        make_group(code_name, lives_in("CHE"), built=False, name="Other")
    assert refused.value.messages


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "nul\0"},
        {"description": "half \ud800"},
        {"name": "x" * 201},
        {"name": ""},
    ],
)
def test_texts_that_cannot_be_are_refused(fields):
    with pytest.raises(ValidationError) as refused:
        make_group("swiss", lives_in("CHE"), built=False, **fields)

    assert list(refused.value.message_dict) == list(fields)


def test_a_changed_rule_is_another_version_and_outdates_the_build_that_waits():
    group = make_group("swiss", lives_in("CHE"), built=False)
    group.rule = {"match": "all", "conditions": [lives_in("AUT")]}
    save_group(group)

    assert waiting() == [("swiss", 2)]
    assert GroupBuild.objects.get(version=1).status == "outdated"
    assert group.rule_changed_at > group.created_at


def test_what_builds_have_written_meanwhile_stays():
    group = make_group("swiss", lives_in("CHE"), built=False)
    stale = ContactGroup.objects.get(pk=group.pk)
    ContactGroup.objects.update(built_version=1, served_rule=group.rule, built_meaning="x")
    stale.name = "Switzerland"
    save_group(stale)

    group.refresh_from_db()
    assert (group.name, group.built_version, group.built_meaning) == ("Switzerland", 1, "x")
    assert group.served_rule == group.rule


def test_a_group_cannot_name_itself_through_others():
    first = make_group("first", built=False)
    second = make_group("second", among(first), built=False)
    third = make_group("third", among(second), built=False)
    first.rule = {"match": "all", "conditions": [among(third)]}

    with pytest.raises(InvalidRule, match="first → third → second → first"):
        save_group(first)


@pytest.mark.django_db(transaction=True)
def test_two_users_together_cannot_make_a_circle():
    first, second = make_group("first", built=False), make_group("second", built=False)
    first.rule = {"match": "all", "conditions": [among(second)]}
    second.rule = {"match": "all", "conditions": [among(first)]}

    def save(group):
        try:
            save_group(group)
        except InvalidRule:
            return "refused"
        return "saved"

    outcomes = run_at_once(lambda: save(first), lambda: save(second))

    assert sorted(outcomes) == ["refused", "saved"]


def test_a_group_that_another_one_names_keeps_its_code_name_and_stays():
    inner = make_group("inner", built=False)
    outer = make_group("outer", among(inner), built=False)
    inner.code_name = "core"

    with pytest.raises(ValidationError, match="Keep the code name: the rule of Outer names"):
        save_group(inner)
    with pytest.raises(GroupInUse, match="is named by the rule of Outer"):
        delete_group(ContactGroup.objects.get(pk=inner.pk))

    delete_group(outer)
    inner.code_name = "core"
    save_group(inner)
    delete_group(inner)
    assert not ContactGroup.objects.exists()


def test_a_deleted_group_leaves_nothing_behind():
    contact = make_contact()
    group, kept = make_group("all"), make_group("kept")

    delete_group(group)

    assert list(Membership.objects.values_list("group", "contact")) == [(kept.pk, contact.pk)]
    assert list(MembershipEvent.objects.values_list("group", flat=True)) == [kept.pk]
    assert list(GroupBuild.objects.values_list("group", flat=True)) == [kept.pk]


def test_a_group_that_was_deleted_meanwhile_does_not_come_back():
    group = make_group("swiss", lives_in("CHE"), built=False)
    stale = ContactGroup.objects.get(pk=group.pk)
    delete_group(group)

    with pytest.raises(ValidationError, match="Another user has deleted this group"):
        save_group(stale)
    delete_group(stale)
    assert not ContactGroup.objects.exists()


def test_a_static_group_needs_no_build():
    group = make_group("list", static=True)

    assert waiting() == []
    assert (group.version, group.built_version) == (1, 1)


def test_a_static_group_that_gets_a_rule_keeps_its_members_until_it_is_built():
    group = make_group("list", static=True)
    group.static = False
    save_group(group)

    assert waiting() == [("list", 2)]
    assert ContactGroup.objects.with_members().filter(pk=group.pk).exists()


@pytest.mark.parametrize("becomes_dynamic", [False, True])
def test_groups_that_name_one_that_is_switched_on_are_built(becomes_dynamic):
    """Its members are there at once, and did not enter it now."""
    group = make_group("list", static=True, enabled=False)
    make_group("outer", among(group))
    assert waiting() == []

    group.enabled, group.static = True, not becomes_dynamic
    save_group(group)

    assert ("outer", 1) in waiting()


def test_groups_that_name_one_that_is_switched_off_are_built():
    group = make_group("swiss", lives_in("CHE"))
    make_group("outer", among(group))

    group.enabled = False
    save_group(group)
    assert waiting() == [("outer", 1)]

    # Those of one that has to be built first wait for that.
    group.enabled = True
    save_group(group)
    assert waiting() == [("outer", 1), ("swiss", 3)]


def test_groups_that_name_one_that_becomes_a_list_before_it_is_built_are_built():
    group = make_group("swiss", lives_in("CHE"), enabled=False)
    make_group("outer", among(group))
    group.enabled = True
    save_group(group)
    assert waiting() == [("swiss", 2)]

    group.static = True
    save_group(group)

    assert waiting() == [("outer", 1)]


def test_a_rule_is_followed_only_by_groups_that_were_built():
    group = make_group("swiss", lives_in("CHE"), built=False)

    with pytest.raises(IntegrityError, match="only_groups_that_were_built_follow_a_rule"):
        ContactGroup.objects.filter(pk=group.pk).update(served_rule=group.rule)
