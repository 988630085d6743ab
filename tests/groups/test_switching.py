"""Groups that are switched off and on again: who leaves and enters, and what is kept of it."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from activities.erasing import erase_contact
from adminsite.formatting import change_url
from contacts.editing import update_contact
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from groups import switching
from groups.admin.page import sizes_of
from groups.building import build_now
from groups.jobs import BUILDS
from groups.membership import add_members, code_names_of, follow_merges, members_of, remove_members
from groups.models import ContactGroup, GroupBuild, Membership, MembershipEvent
from groups.requesting import cancel_build, request_build
from groups.saving import save_group
from jobs.working import work_off
from tests.factories import make_activity, make_contact
from tests.groups.people import among, events, follow, lives_in, make_group, members, visited
from tests.threads import wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)

Cause = MembershipEvent.Cause
SWISS, AUSTRIAN = {"country": "CHE"}, {"country": "AUT"}


def switch(group, enabled, by=None):
    group.enabled = enabled
    save_group(group, by=by)
    if enabled and not group.static:
        build_now(group)
    group.refresh_from_db()


def swiss_group():
    contact = make_contact(**SWISS)
    return make_group("swiss", lives_in("CHE")), contact


def test_members_leave_a_dynamic_group_that_is_switched_off():
    group, contact = swiss_group()
    user = User.objects.create(username="ann")

    switch(group, False, by=user)

    assert members(group) == []
    assert events(group)[1:] == [(contact.pk, "out", "user", None)]
    assert MembershipEvent.objects.last().by == user


def test_members_enter_a_dynamic_group_when_it_is_built_again():
    group, contact = swiss_group()
    switch(group, False)
    switch(group, True)

    assert members(group) == [contact.pk]
    build = GroupBuild.objects.filter(group=group).last()
    assert events(group)[1:] == [
        (contact.pk, "out", "code", None),
        (contact.pk, "in", "rule", build.pk),
    ]
    assert (build.entered, build.left) == (1, 0)


def test_groups_that_name_a_group_follow_its_switch():
    group, contact = swiss_group()
    outer = make_group("outer", among(group))
    follow()

    switch(group, False)
    follow()
    assert members(outer) == []

    switch(group, True)
    follow()
    assert members(outer) == [contact.pk]
    assert events(outer)[-1] == (contact.pk, "in", "group", group.pk)


def test_a_list_is_kept_while_it_is_switched_off():
    contact = make_contact()
    group = make_group("list", static=True)
    add_members(group, [contact.pk], cause=Cause.CODE)

    switch(group, False)
    assert list(members_of(group)) == []
    assert members(group) == [contact.pk]

    switch(group, True)
    assert list(members_of(group)) == [contact]
    assert [event[1:3] for event in events(group)] == [
        ("in", "code"),
        ("out", "code"),
        ("in", "code"),
    ]


def test_nobody_enters_or_leaves_a_list_that_is_switched_off():
    kept, removed, added, loser = [make_contact() for _ in range(4)]
    group = make_group("list", static=True)
    add_members(group, [kept.pk, removed.pk, loser.pk], cause=Cause.CODE)
    switch(group, False)
    known = len(events(group))

    assert remove_members(group, [removed.pk], cause=Cause.CODE) == 1
    merge = request_merge(survivor=added, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])
    follow_merges([merge.pk])
    assert add_members(group, [make_contact().pk], cause=Cause.CODE) == 1
    assert len(events(group)) == known

    switch(group, True)
    entered = [contact_id for contact_id, way, *_ in events(group)[known:] if way == "in"]
    assert entered == members(group)
    assert len(entered) == 3


def test_a_group_that_is_switched_off_has_no_members_and_is_right_when_switched_on():
    staying, leaving = make_contact(**SWISS), make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"))
    outer = make_group("outer", among(group))
    group.enabled = False
    save_group(group)
    work_off(BUILDS)

    assert list(members_of(group)) == []
    assert code_names_of(staying.pk) == []
    assert members(outer) == []

    update_contact(leaving.pk, AUSTRIAN)
    coming = make_contact(**SWISS)
    follow()
    group.enabled = True
    save_group(group)
    assert list(members_of(group)) == []
    work_off(BUILDS)
    work_off(BUILDS)
    follow()

    assert members(group) == [staying.pk, coming.pk]
    assert members(outer) == [staying.pk, coming.pk]


def test_members_of_before_a_group_was_switched_off_do_not_count_until_it_is_built():
    """In groups whose rules name it, and whatever else changes about them."""
    contact = make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"))
    outer = make_group("outer", among(group), visited())
    group.enabled = False
    save_group(group)
    work_off(BUILDS)
    group.enabled = True
    save_group(group)
    waiting = GroupBuild.objects.get(group=group, status="waiting")
    assert cancel_build(waiting)
    assert code_names_of(contact.pk) == []

    make_activity(contact)
    follow()
    assert members(outer) == []

    request_build(group)
    work_off(BUILDS)
    follow()
    assert members(outer) == [contact.pk]


def test_a_change_of_a_group_that_stays_off_writes_nothing():
    group, _ = swiss_group()
    switch(group, False)
    known = events(group)

    group.name, group.rule = "Austrians", {"match": "all", "conditions": [lives_in("AUT")]}
    save_group(group)

    assert events(group) == known


def test_a_list_that_was_off_and_gets_a_rule_has_only_the_members_of_the_rule():
    listed, contact = make_contact(), make_contact(**SWISS)
    group = make_group("list", static=True)
    add_members(group, [listed.pk], cause=Cause.CODE)
    switch(group, False)

    group.static, group.rule = False, {"match": "all", "conditions": [lives_in("CHE")]}
    switch(group, True)

    assert members(group) == [contact.pk]
    assert events(group)[2:] == [
        (contact.pk, "in", "rule", GroupBuild.objects.filter(group=group).last().pk)
    ]


def test_the_chart_and_the_timeline_show_the_switch(admin_client):
    group, contact = swiss_group()
    ContactGroup.objects.filter(pk=group.pk).update(created_at=timezone.now() - timedelta(days=2))
    group.refresh_from_db()
    switch(group, False)

    assert [size for _, size in sizes_of(group).days] == [0, 0, 0]
    assert "<polyline" in admin_client.get(change_url(group)).text
    timeline = admin_client.get(change_url(contact)).text
    assert "Left a contact group" in timeline

    switch(group, True)
    assert [size for _, size in sizes_of(group).days] == [0, 0, 1]


def test_a_contact_that_is_erased_meanwhile_leaves_nothing_behind(monkeypatch):
    group, contact = swiss_group()
    eraser = threading.Thread(target=lambda: (erase_contact(contact.pk), connections.close_all()))
    lock = switching._lock

    def lock_and_be_waited_for(group):
        lock(group)
        eraser.start()
        wait_until_somebody_waits()

    monkeypatch.setattr(switching, "_lock", lock_and_be_waited_for)
    switch(group, False)
    eraser.join(30)

    assert not eraser.is_alive()
    for model in (Membership, MembershipEvent):
        assert not model.objects.exists()
