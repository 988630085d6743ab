"""Work that comes round."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config.celery import app
from jobs.chores import make_chores
from jobs.declaring import Periodic, jobs, periodic, queues, route, schedule
from jobs.jobs import CHORES
from jobs.models import Chore
from jobs.working import work_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(monkeypatch):
    """What was done of the work that is declared here, which is the only one."""
    done = []

    def fail():
        done.append("failing")
        raise RuntimeError("it does not work")

    monkeypatch.setattr("jobs.chores.periodic", declared := {})
    for name, do in {"failing": fail, "good": lambda: done.append("good")}.items():
        declared[name] = Periodic(name, do, timedelta(hours=1))
    return done


def test_each_is_done_once_in_its_time(done):
    work_off(CHORES)
    work_off(CHORES)

    assert sorted(done) == ["failing", "good"]
    good = Chore.objects.get(name="good")
    assert timedelta(minutes=59) < good.due_at - timezone.now() <= timedelta(hours=1)
    assert good.done_at is not None


def test_one_that_fails_is_tried_again_sooner_and_says_why(done):
    work_off(CHORES)

    failing = Chore.objects.get(name="failing")
    assert (failing.attempts, failing.last_error) == (1, "RuntimeError: it does not work")
    assert failing.due_at - timezone.now() < timedelta(seconds=11)
    assert failing.done_at is None


def test_work_of_another_version_is_forgotten(done):
    Chore.objects.create(name="of another version")

    work_off(CHORES)

    assert not Chore.objects.filter(name="of another version").exists()


def test_rows_are_made_once(done):
    make_chores()
    make_chores()

    assert sorted(Chore.objects.values_list("name", flat=True)) == ["failing", "good"]


def test_routes_and_schedule_derive_from_what_is_declared():
    assert queues()[0] == "default"
    expected = {"default", "merging", "data_input", "readers", "groups", "builds"}
    expected |= {"runs", "emails", "deliveries", "exports", "imports"}
    assert set(queues()) == expected
    assert route("jobs.do", ["merges"], {}, {}) == {"queue": "merging"}
    assert route("jobs.do", ["data inputs"], {}, {}) == {"queue": "data_input"}
    assert route("config.beat_heart", [], {}, {}) == {"queue": "default"}
    assert route("of another version", [], {}, {}) is None
    assert route("readers.read", [], {}, {}) == {"queue": "readers"}
    sweeps = {name: entry.get("args") for name, entry in schedule(10.0).items()}
    pulses = ("readers.read", "config.beat_heart", "groups.sweep", "automations.dates")
    beats = dict.fromkeys(pulses)
    assert sweeps == {f"sweep {name}": [name] for name in jobs} | beats
    assert set(sweeps) == set(app.conf.beat_schedule)
    assert "forget old idempotency keys" in periodic


def test_messages_go_to_the_queue_of_their_job():
    options = app.amqp.router.route({}, "jobs.do", args=["merges"], kwargs={})

    assert options["queue"].name == "merging"
