"""Any part may be killed in the middle of many runs: each step happens once.

What nobody can know is whether a mail server has an email when one of both dies before it has
answered: such emails are counted as uncertain, at most one for each connection and kill.
"""

import os
import signal
from collections import Counter
from contextlib import suppress

import pytest

from tests.config.hub import UP, Hub, postmaster_pid, processes_of, wait_until
from tests.faults.flows import STEPS, make_orders
from tests.faults.load import connect
from tests.faults.mailbox import Mailbox

# Orders before each strike. RUNS=1250 make test ARGS="-n 0 tests/faults/test_automations.py" has
# 10,000 runs in all.
RUNS = int(os.environ.get("RUNS", "50"))
# A worker sends what was asked for apart from other emails, each over so many connections.
CONNECTIONS = 3
# How much of what they bring is done when something is killed.
SHARE = 0.3


@pytest.fixture
def mailbox(tmp_path):
    with Mailbox(tmp_path / "received", milliseconds=2) as mailbox:
        yield mailbox


@pytest.fixture
def hub(homes, tmp_path, mailbox):
    hub = Hub(
        homes.copy(tmp_path / "hub"),
        SWEEP_SECONDS="1",
        EMAIL_URL=mailbox.url,
        EMAIL_CONNECTIONS=str(CONNECTIONS),
        EMAIL_TIMEOUT="1",
    )
    with hub.launched():
        wait_until(lambda: UP in hub.output, seconds=180)
        yield hub


def kill(*pids):
    for pid in pids:
        # One may have ended since they were listed.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children(hub, word):
    return [pid for pid, line in hub.children().items() if word in line]


def kill_web(hub, mailbox):
    kill(*children(hub, "config.web"))


def kill_worker(hub, mailbox):
    kill(*children(hub, " worker "))


def kill_scheduler(hub, mailbox):
    kill(*children(hub, " beat "))


def lose_messages(hub, mailbox):
    for message in (hub.home / "broker" / "messages").glob("*.msg"):
        message.unlink(missing_ok=True)


def terminate_all_backends(hub, mailbox):
    with connect(hub.home) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def kill_database(hub, mailbox):
    with connect(hub.home) as database:
        # What is recovered is what came since the last one, which may be much.
        database.execute("CHECKPOINT")
    kill(postmaster_pid(hub.home))


def kill_mail_server(hub, mailbox):
    mailbox.kill()
    mailbox.start()


def kill_everything(hub, mailbox):
    hub.kill()
    kill(*processes_of(hub.home))
    wait_until(lambda: not processes_of(hub.home))
    hub.start()


STRIKES = {
    "web": kill_web,
    "worker": kill_worker,
    "scheduler": kill_scheduler,
    "messages": lose_messages,
    "backends": terminate_all_backends,
    "database": kill_database,
    "mail": kill_mail_server,
    "everything": kill_everything,
}


def test_each_step_of_each_run_happens_once_whatever_is_killed(hub, mailbox, tmp_path):
    waves = make_orders(hub, mailbox, tmp_path, names=STRIKES, count=RUNS)
    for orders in waves:
        with orders.coming_in():
            orders.wait_for_passages(SHARE)
            STRIKES[orders.name](hub, mailbox)
    for orders in waves:
        orders.wait_until_over()

    uncertain = 0
    for orders in waves:
        became = orders.became()
        assert became.runs == Counter(done=RUNS), orders.name
        assert became.passages == RUNS * STEPS, orders.name
        assert (len(became.thanked), became.thanked.total()) == (RUNS, RUNS), orders.name
        assert became.emails.total() == 2 * RUNS, orders.name
        assert {status for _, status in became.emails} <= {"sent", "uncertain"}, orders.name
        assert (became.lost, became.doubled) == (set(), set()), orders.name
        uncertain += became.uncertain
    assert uncertain <= len(STRIKES) * 2 * CONNECTIONS
