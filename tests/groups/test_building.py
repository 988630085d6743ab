"""Builds: a rule is evaluated for all contacts, and swapped in, whatever happens meanwhile."""

import os
import subprocess
import sys
import threading
import time

import pytest
from django.db import connection, connections
from django.db.models.functions import Now

from contacts.editing import update_contact
from groups import building, locks, looking, preview
from groups.building import build_groups, build_now
from groups.jobs import BUILDS
from groups.membership import code_names_of, members_of
from groups.models import ContactGroup, GroupBuild, Membership
from groups.requesting import CannotBuild, cancel_build, request_build
from groups.rules import parse
from groups.saving import save_group
from jobs.working import work_off
from tests.config.hub import ROOT
from tests.factories import make_activity, make_contact
from tests.groups.meanwhile import in_between
from tests.groups.people import (
    all_of,
    change_rule,
    events,
    follow,
    lives_in,
    make_group,
    members,
    visited,
)
from tests.readers.transactions import in_other_transaction
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)

SWISS, AUSTRIAN = {"country": "CHE"}, {"country": "AUT"}


def test_a_saved_group_waits_for_a_worker_and_is_built():
    swiss = make_contact(**SWISS)
    make_contact(**AUSTRIAN)
    group = make_group("swiss", lives_in("CHE"), built=False)
    build = GroupBuild.objects.get()
    assert (build.status, build.phase, build.version) == ("waiting", "", 1)
    assert list(members_of(group)) == []

    work_off(BUILDS)

    build.refresh_from_db()
    assert (build.status, build.members, build.entered, build.left) == ("done", 1, 1, 0)
    assert build.started_at <= build.finished_at
    group.refresh_from_db()
    assert (group.built_version, group.served_rule) == (1, group.rule)
    assert list(members_of(group)) == [swiss]
    assert events(group) == [(swiss.pk, "in", "rule", build.pk)]
    assert code_names_of(swiss.pk) == ["swiss"]


def test_the_last_good_members_are_served_until_the_next_are_built():
    swiss, austrian = make_contact(**SWISS), make_contact(**AUSTRIAN)
    group = make_group("neighbours", lives_in("CHE"))
    change_rule(group, lives_in("AUT"), built=False)
    assert members(group) == [swiss.pk]

    # They go on to follow the rule that they were built for.
    another = make_contact(**SWISS)
    follow()
    assert members(group) == [swiss.pk, another.pk]

    build = build_now(group)
    assert members(group) == [austrian.pk]
    assert (build.members, build.entered, build.left) == (1, 1, 2)
    assert set(events(group)[-3:]) == {
        (austrian.pk, "in", "rule", build.pk),
        (swiss.pk, "out", "rule", build.pk),
        (another.pk, "out", "rule", build.pk),
    }


def test_members_who_stay_keep_since_when():
    swiss = make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"))
    (since,) = Membership.objects.values_list("since", flat=True)

    change_rule(group, lives_in("CHE", "AUT"))

    assert members(group) == [swiss.pk]
    assert list(Membership.objects.values_list("since", flat=True)) == [since]
    assert len(events(group)) == 1


def test_saving_what_decides_nothing_builds_nothing():
    group = make_group("swiss", lives_in("CHE"))
    group.name, group.description = "Switzerland", "Who lives there"
    group.rule = {"conditions": [lives_in("che", negate=False)], "match": "all"}
    save_group(group)

    group.refresh_from_db()
    assert (group.name, group.version) == ("Switzerland", 1)
    assert not GroupBuild.objects.filter(status="waiting").exists()


def test_two_workers_build_a_group_once():
    for _ in range(5):
        make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"), built=False)

    builds = run_at_once(lambda: build_now(group), lambda: build_now(group))

    assert {build.status for build in builds} == {"done"}
    assert len(members(group)) == len(events(group)) == 5


def test_a_rule_that_changes_during_a_build_outdates_it(monkeypatch):
    make_contact(**SWISS)
    austrian = make_contact(**AUSTRIAN)
    group = make_group("swiss", lives_in("CHE"), built=False)
    first = GroupBuild.objects.get()

    def change():
        change_rule(ContactGroup.objects.get(pk=group.pk), lives_in("AUT"), built=False)

    in_between(monkeypatch, "_swap", change)
    work_off(BUILDS)

    first.refresh_from_db()
    assert first.status == "outdated"
    second = GroupBuild.objects.exclude(pk=first.pk).get()
    assert (second.status, second.version) == ("done", 2)
    assert members(group) == [austrian.pk]
    assert len(events(group)) == 1


def test_a_build_that_is_cancelled_while_it_reads_ends_at_once_and_changes_nothing(monkeypatch):
    swiss = make_contact(**SWISS)
    group = make_group("neighbours", lives_in("CHE"))
    change_rule(group, lives_in("AUT"), built=False)
    build = GroupBuild.objects.get(status="waiting")
    slow(monkeypatch)
    worker = threading.Thread(target=lambda: (work_off(BUILDS), connections.close_all()))
    worker.start()
    wait_for_phase(build, "reading")

    assert cancel_build(build)
    worker.join(10)

    assert not worker.is_alive()
    build.refresh_from_db()
    assert (build.status, build.attempts, build.last_error) == ("cancelled", 0, "")
    assert members(group) == [swiss.pk]
    assert not cancel_build(build)


def test_a_worker_that_is_told_to_end_leaves_the_build_to_another(monkeypatch):
    group = make_group("swiss", lives_in("CHE"), built=False)
    build = GroupBuild.objects.get()
    slow(monkeypatch)
    stopping = threading.Event()
    monkeypatch.setattr(building, "stopping", stopping)
    worker = threading.Thread(target=lambda: (build_groups([build.pk]), connections.close_all()))
    worker.start()
    wait_for_phase(build, "reading")
    stopping.set()
    worker.join(10)

    assert not worker.is_alive()
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("waiting", 0)
    monkeypatch.undo()
    build_now(group)
    assert members(group) == []


@pytest.mark.parametrize(
    ("module", "compiles"),
    [(building, "members"), (building, "of_contacts"), (looking, "of_contacts"),
     (preview, "members")],
)  # fmt: skip
def test_a_server_that_can_compile_statements_does_not_compile_those_of_rules(
    monkeypatch, module, compiles
):
    compile_it, found = getattr(module, compiles), []

    def seeing(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SHOW jit")
            found.append(cursor.fetchone()[0])
        return compile_it(*args, **kwargs)

    monkeypatch.setattr(module, compiles, seeing)
    group = make_group("swiss", lives_in("CHE"))
    in_between(monkeypatch, "_stage", lambda: make_activity(make_contact(**SWISS)))
    build_now(group)
    preview.count(parse(all_of(lives_in("CHE"))), "session")
    update_contact(make_contact().pk, SWISS)
    follow()

    assert set(found) == {"off"}
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone()[0] == "on"


def slow(monkeypatch):
    """Have the next reading take very long."""
    members_statement = building.members

    def slowly(*args, **kwargs):
        statement = members_statement(*args, **kwargs)
        sql = f"SELECT found.* FROM ({statement.sql}) AS found, pg_sleep(60)"
        with_rows = f"{sql} UNION ALL SELECT 0, false, NULL FROM pg_sleep(60)"
        return type(statement)(with_rows, statement.params)

    monkeypatch.setattr(building, "members", slowly)


def wait_for_phase(build, phase):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        build.refresh_from_db()
        if build.phase == phase:
            return
        time.sleep(0.02)
    raise AssertionError(f"The build is not {phase}.")


@pytest.mark.parametrize("phase", ["reading", "comparing"])
def test_a_worker_that_is_killed_leaves_the_build_to_another(phase):
    swiss = make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"), built=False)
    build = GroupBuild.objects.get()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.groups.builder", connection.settings_dict["NAME"], phase],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout.readline() == f"{phase}\n"
        build.refresh_from_db()
        assert (build.status, build.phase) == ("waiting", phase)
        worker.kill()

    assert members(group) == []
    assert build_now(group).status == "done"
    assert members(group) == [swiss.pk]


def test_a_build_that_another_worker_is_at_is_left_alone():
    group = make_group("swiss", lives_in("CHE"), built=False)
    build = GroupBuild.objects.get()

    def lock():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [locks._BUILD, group.pk])

    end = in_other_transaction(lock)
    build_groups([build.pk])
    build.refresh_from_db()
    assert (build.status, build.phase) == ("waiting", "")

    end()
    build_groups([build.pk])
    build.refresh_from_db()
    assert build.status == "done"


def test_a_worker_builds_one_group_at_a_time():
    make_group("swiss", lives_in("CHE"), built=False)
    build = GroupBuild.objects.get()
    with building._at_work:
        build_groups([build.pk])

    build.refresh_from_db()
    assert build.status == "waiting"


def test_readers_do_not_wait_for_a_build_that_reads(monkeypatch):
    contact = make_contact()
    visitors = make_group("visitors", visited())
    make_group("swiss", lives_in("CHE"), built=False)
    build = GroupBuild.objects.get(status="waiting")
    slow(monkeypatch)
    worker = threading.Thread(target=lambda: (work_off(BUILDS), connections.close_all()))
    worker.start()
    wait_for_phase(build, "reading")

    make_activity(contact)
    follow()
    assert members(visitors) == [contact.pk]

    cancel_build(build)
    worker.join(10)


def test_a_build_that_fails_says_why_and_is_tried_again(monkeypatch):
    make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"), built=False)

    def fail(*args, **kwargs):
        raise ValueError("The rule is too hard.")

    with monkeypatch.context() as patch:
        patch.setattr(building, "members", fail)
        work_off(BUILDS)
    build = GroupBuild.objects.get()
    assert (build.status, build.attempts) == ("waiting", 1)
    assert build.last_error == "ValueError: The rule is too hard."

    GroupBuild.objects.update(due_at=Now())
    work_off(BUILDS)
    build.refresh_from_db()
    assert (build.status, build.attempts, build.last_error) == ("done", 0, "")
    assert len(members(group)) == 1


def test_what_cannot_be_built_is_refused():
    static = make_group("list", static=True)
    off = make_group("off", enabled=False)

    with pytest.raises(CannotBuild, match="List is a static group"):
        request_build(static)
    with pytest.raises(CannotBuild, match="Off is switched off"):
        request_build(off)


def test_asking_twice_is_one_build():
    group = make_group("swiss", lives_in("CHE"), built=False)

    assert request_build(group) == request_build(group) == GroupBuild.objects.get()


def test_a_group_in_which_everybody_is():
    contacts = [make_contact(), make_contact(**SWISS)]
    group = make_group("all")

    assert members(group) == [contact.pk for contact in contacts]
