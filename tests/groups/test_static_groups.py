"""Static groups: lists that people fill by hand or from files."""

import io
import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from activities.erasing import erase_contact
from database.questions import ask
from groups import lists
from groups.lists import set_members
from groups.membership import (
    NotStatic,
    add_members,
    code_names_of,
    follow_merges,
    members_of,
    remove_members,
)
from groups.models import Membership, MembershipEvent
from groups.saving import save_group
from groups.telling import groups_of
from tests.contacts.merged import merge
from tests.factories import make_contact
from tests.groups.people import among, events, follow, lives_in, make_group, members
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db

Cause = MembershipEvent.Cause


def test_people_are_put_in_and_taken_out_once():
    one, other = make_contact(), make_contact()
    group, user = make_group("list", static=True), User.objects.create(username="ann")

    assert add_members(group, [one.pk, other.pk, one.pk], cause=Cause.USER, by=user) == 2
    assert add_members(group, [one.pk], cause=Cause.CODE) == 0
    assert remove_members(group, [other.pk], cause=Cause.CODE) == 1
    assert remove_members(group, [other.pk], cause=Cause.CODE) == 0

    assert list(members_of(group)) == [one]
    assert events(group) == [
        (one.pk, "in", "user", None),
        (other.pk, "in", "user", None),
        (other.pk, "out", "code", None),
    ]
    assert list(MembershipEvent.objects.values_list("by", flat=True)) == [user.pk, user.pk, None]


def test_members_of_a_dynamic_group_cannot_be_chosen():
    group = make_group("swiss", lives_in("CHE"))

    with pytest.raises(NotStatic, match="Swiss is a dynamic group"):
        add_members(group, [make_contact().pk], cause=Cause.CODE)


def test_a_merged_contact_stands_for_its_survivor_and_an_erased_one_for_nobody():
    survivor, loser, erased = make_contact(), make_contact(), make_contact()
    merge(survivor, loser)
    erase_contact(erased.pk)
    group = make_group("list", static=True)

    assert add_members(group, [loser.pk, erased.pk, 10**12], cause=Cause.CODE) == 1
    assert members(group) == [survivor.pk]


def test_names_of_groups_are_sorted_and_leave_out_those_that_are_off():
    contact = make_contact()
    for name, fields in {
        "zebra": {"visible_to_websites": True},
        "ant": {},
        "off": {"visible_to_websites": True},
    }.items():
        group = make_group(name, static=True, **fields)
        add_members(group, [contact.pk], cause=Cause.CODE)
    group.enabled = False
    save_group(group)

    assert code_names_of(contact.pk) == ["ant", "zebra"]
    assert ask(groups_of(contact.pk, only_visible=True)) == [["zebra"]]
    assert list(members_of(group)) == []
    assert members(group) == [contact.pk]


def test_the_survivor_of_a_merge_takes_the_place_of_the_loser():
    survivor, loser, other = make_contact(), make_contact(), make_contact()
    group, both = make_group("list", static=True), make_group("both", static=True)
    add_members(group, [loser.pk, other.pk], cause=Cause.CODE)
    add_members(both, [loser.pk, survivor.pk], cause=Cause.CODE)
    since = Membership.objects.get(group=group, contact=loser).since

    merged = merge(survivor, loser)
    follow_merges([merged.pk])

    assert members(group) == [survivor.pk, other.pk]
    assert Membership.objects.get(group=group, contact=survivor).since == since
    assert set(events(group)[2:]) == {
        (loser.pk, "out", "merge", merged.pk),
        (survivor.pk, "in", "merge", merged.pk),
    }
    assert members(both) == [survivor.pk]
    assert events(both)[2:] == [(loser.pk, "out", "merge", merged.pk)]


def test_the_last_survivor_of_several_merges_takes_the_places():
    first, second, third = make_contact(), make_contact(), make_contact()
    group = make_group("list", static=True)
    add_members(group, [third.pk, second.pk], cause=Cause.CODE)

    merges = [merge(second, third).pk, merge(first, second).pk]
    follow_merges(merges)

    assert members(group) == [first.pk]


@pytest.mark.django_db(transaction=True)
def test_a_merge_and_a_list_at_once():
    follow()  # a hub that runs has begun to read
    group = make_group("list", static=True)
    pairs = [(make_contact(), make_contact()) for _ in range(5)]

    run_at_once(
        *[lambda pair=pair: merge(*pair) for pair in pairs],
        *[lambda pair=pair: add_members(group, [pair[1].pk], cause=Cause.CODE) for pair in pairs],
    )
    follow()

    assert members(group) == sorted(survivor.pk for survivor, _ in pairs)


@pytest.mark.django_db(transaction=True)
def test_an_erasure_and_a_list_at_once():
    group = make_group("list", static=True)
    contacts = [make_contact() for _ in range(5)]

    run_at_once(
        *[lambda contact=contact: erase_contact(contact.pk) for contact in contacts],
        *[
            lambda contact=contact: add_members(group, [contact.pk], cause=Cause.CODE)
            for contact in contacts
        ],
    )

    assert members(group) == []
    assert not MembershipEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_group_that_names_a_list_follows_it():
    contact = make_contact()
    listed = make_group("listed", static=True)
    outer = make_group("outer", among(listed))

    add_members(listed, [contact.pk], cause=Cause.CODE)
    follow()
    assert members(outer) == [contact.pk]
    assert events(outer) == [(contact.pk, "in", "group", listed.pk)]

    remove_members(listed, [contact.pk], cause=Cause.CODE)
    follow()
    assert members(outer) == []


def test_a_file_of_guids_and_emails(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "_LINES", 2)
    ann, bob, merged = make_contact(email="ann@example.com"), make_contact(), make_contact()
    merge(ann, merged)
    group = make_group("list", static=True)
    unknown = uuid4()
    lines = [
        "\ufeffANN@Example.com ",
        "",
        f"  {str(bob.guid).upper()}",
        str(merged.guid),
        str(unknown),
        "nobody@example.com",
        "not an email",
        "two@at@example.com",
        "zero\u200bwidth@example.com",
        "nul\0@example.com",
        "x" * 10_000,
    ]

    outcome = set_members(group, lines)

    assert (outcome["added"], outcome["removed"]) == (2, 0)
    assert members(group) == [ann.pk, bob.pk]
    rejected = outcome["rejected"]
    assert rejected[str(unknown)] == "There is no contact with this GUID."
    assert rejected["nobody@example.com"] == "There is no contact with this email."
    assert rejected["not an email"] == "This is neither a GUID nor an email."
    assert rejected["x" * 250] == "This is neither a GUID nor an email."
    assert len(rejected) == 7

    assert set_members(group, ["ann@example.com"], remove=True) == {
        "added": 0,
        "removed": 1,
        "rejected": {},
    }
    assert members(group) == [bob.pk]


def run(*args):
    out = io.StringIO()
    call_command(*args, stdout=out)
    return json.loads(out.getvalue())


def test_command_that_fills_a_group_from_a_file(tmp_path):
    contact = make_contact(email="ann@example.com")
    group = make_group("list", static=True)
    file = tmp_path / "members.txt"
    file.write_bytes(b"\xef\xbb\xbfann@example.com\r\nbad line\r\n")

    assert run("set_members", "LIST", str(file)) == {
        "added": 1,
        "removed": 0,
        "rejected": {"bad line": "This is neither a GUID nor an email."},
    }
    assert members(group) == [contact.pk]
    assert events(group) == [(contact.pk, "in", "code", None)]
    assert run("set_members", "list", str(file), "--remove")["removed"] == 1


@pytest.mark.parametrize(("end", "byte"), [(b"x\xff\n", 70_017), (b"\xc3", 70_016)])
def test_a_file_that_is_no_text_at_its_end_adds_nobody(tmp_path, monkeypatch, end, byte):
    make_contact(email="ann@example.com")
    group = make_group("list", static=True)
    file = tmp_path / "members.txt"
    file.write_bytes(b"ann@example.com\n" + b"x\n" * 35_000 + end)
    monkeypatch.setattr(lists, "_LINES", 1)

    with pytest.raises(CommandError, match=rf"members.txt: This is not UTF-8 \(byte {byte:,}\)"):
        run("set_members", "list", str(file))

    assert members(group) == []


def test_commands_say_what_was_wrong(tmp_path):
    make_group("list", static=True)
    make_group("swiss", lives_in("CHE"))
    make_group("off", enabled=False)
    file = tmp_path / "members.txt"
    file.write_text("ann@example.com\n")

    for arguments, message in {
        ("set_members", "nobody", str(file)): "no contact group with the code name nobody",
        ("set_members", "nul\0", str(file)): "no contact group with the code name",
        ("set_members", "swiss", str(file)): "Swiss is a dynamic group",
        ("set_members", "list", str(tmp_path / "no.txt")): "cannot be read: No such file",
        ("set_members", "list", str(tmp_path)): "cannot be read: Is a directory",
        ("build_group", "nobody"): "no contact group with the code name nobody",
        ("build_group", "list"): "List is a static group",
        ("build_group", "off"): "Off is switched off",
    }.items():
        with pytest.raises(CommandError, match=message):
            call_command(*arguments)


def test_command_that_builds_a_group():
    make_contact(country="CHE")
    make_group("swiss", lives_in("CHE"), built=False)

    built = run("build_group", "SWISS")

    assert built["members"] == 1
    assert 0 <= built["seconds"] < 60
