"""`manage.py serve` and `make run`, as processes: what they start, and that nothing is left."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings

from tests.config.hub import (
    Hub,
    free_port,
    manage,
    postmaster_pid,
    processes_of,
    ready_state,
    wait_until,
)

COUNT_CHANNELS = "from channels.models import Channel; print(Channel.objects.count())"
MAKE_CHANNEL = "from channels.models import Channel; Channel.objects.create(code_name='kept')"


def web_processes(hub):
    """The ids of what serves requests, of each with what looks after it."""
    return {pid for pid, line in hub.children().items() if "config.web" in line}


@pytest.fixture
def home(homes, tmp_path):
    """A data directory of one's own, at a path with a space."""
    return homes.copy(tmp_path / "a hub")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with demo data, for tests that leave it as it is."""
    with Hub(tmp_path_factory.mktemp("serve") / "hub", "--demo") as hub:
        yield hub


def test_serve_is_ready_when_it_says_so(hub):
    assert ready_state(hub) == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "migrations": "ok",
        "worker": "ok",
    }


def test_serve_says_what_it_does(hub):
    for step in ("Starting PostgreSQL", "Bringing the database up to date", "Starting web"):
        assert step in hub.output
    assert f"http://localhost:{hub.port}/admin/   (login: demo / demo)" in hub.output
    for role in ("marketer", "developer", "dpo"):
        assert f"or as {role} / {role}" in hub.output
    assert "Warning" not in hub.output


def test_serve_says_where_the_websites_of_the_demo_are(hub):
    for host in ("main.localhost", "homes.localhost", "magazine.localhost"):
        assert f"http://{host}:{hub.port}/" in hub.output


def test_serve_says_that_the_printed_key_does_not_last(hub):
    line = next(line for line in hub.output.splitlines() if "made anew at every start" in line)
    command = line.partition("for an app, use: ")[2]

    key = run_in_terminal(command).stdout

    assert len(key.split()) == 1


def run_in_terminal(command):
    """Run a line that the hub printed, as in a terminal of its own in the project's folder."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=settings.BASE_DIR,
        env={**environment, "DJANGO_SUPERUSER_PASSWORD": "a long one"},
        capture_output=True,
        text=True,
        check=True,
    )


def test_serve_without_demo_prints_what_makes_the_first_user(home):
    with Hub(home) as hub:
        command = next(line for line in hub.output.splitlines() if "createsuperuser" in line)
        assert f"http://localhost:{hub.port}/admin/channels/channel/add/" in hub.output

        run_in_terminal(f"{command} --no-input --username ada --email ada@example.com")

        find_user = "from django.contrib.auth.models import User; print(User.objects.get())"
        assert hub.shell(find_user) == "ada"
        hub.stop()
        hub.start()
        assert "createsuperuser" not in hub.output


def test_read_only_serve_leaves_the_keys_alone_and_prints_no_request(homes, tmp_path):
    home = homes.copy(tmp_path / "hub", demo=True)
    count_keys = (
        "from channels.models import ApiKey;"
        "print(sorted(ApiKey.objects.values_list('identifier', flat=True)))"
    )
    with Hub(home, "--demo") as hub:
        before = hub.shell(count_keys)
        hub.stop()
    with Hub(home, "--demo", READ_ONLY="True") as hub:
        after = hub.shell(count_keys)

        assert "(login: demo / demo)" in hub.output
        assert "http://main.localhost" in hub.output
        assert "curl" not in hub.output
    assert after == before != "[]"


def test_shell_works_beside_a_running_hub(hub):
    before = postmaster_pid(hub.home)

    count = hub.shell(COUNT_CHANNELS)

    assert int(count) >= 2
    assert postmaster_pid(hub.home) == before
    assert hub.is_ready()


def test_printed_command_gives_a_contact_its_activities_and_name(hub):
    command = next(line for line in hub.output.splitlines() if line.startswith("contact="))

    pasted = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)

    statuses = [result["status"] for result in json.loads(pasted.stdout)["results"]]
    assert statuses == [202, 202, 202, 202]
    find_name = (
        "from contacts.models import Contact; "
        "print(Contact.objects.filter(email='ada.lovelace@example.com', merged_into=None)"
        ".values_list('first_name', 'last_name'))"
    )
    wait_until(lambda: "('Ada', 'Lovelace')" in hub.shell(find_name))


def test_printed_command_can_be_pasted_again(hub):
    command = next(line for line in hub.output.splitlines() if line.startswith("contact="))

    for _ in range(2):
        subprocess.run(["sh", "-c", command], capture_output=True, check=True)

    count_people = (
        "from contacts.models import Contact; "
        "people = Contact.objects.filter(email='ada.lovelace@example.com', merged_into=None); "
        "print(people.count(), Contact.objects.filter(merged_into__in=people).exists())"
    )
    wait_until(lambda: hub.shell(count_people) == "1 True")


def test_second_hub_on_the_same_data_is_refused(hub):
    refused = manage(hub.home, "serve", PORT=str(free_port()))

    assert refused.returncode == 1
    assert "Another hub runs on the data" in refused.stderr
    assert hub.is_ready()


def test_port_in_use_is_refused_before_anything_starts(hub, tmp_path):
    refused = manage(tmp_path / "other", "serve", PORT=str(hub.port))

    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1:{hub.port}" in refused.stderr
    assert "PORT=8001" in refused.stderr
    assert not (tmp_path / "other" / "postgres").exists()


def test_demo_is_not_served_to_other_machines(tmp_path):
    refused = manage(tmp_path, "serve", "--demo", HOST="0.0.0.0")

    assert refused.returncode == 1
    assert "not served on 0.0.0.0" in refused.stderr
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("key", ["", "development-only-and-public", "short"])
def test_production_refuses_a_weak_secret(tmp_path, key):
    refused = manage(tmp_path, "check", PRODUCTION="1", SECRET_KEY=key)

    assert refused.returncode == 1
    assert "Set SECRET_KEY to a long random value" in refused.stderr


def test_hub_keeps_its_data_through_an_end_and_a_kill(home):
    with Hub(home) as hub:
        hub.shell(MAKE_CHANNEL)
        status = hub.stop()
        left = processes_of(home)
        hub.start()
        hub.kill()
        wait_until(lambda: not hub.has_children())
        hub.start()
        count = hub.shell(COUNT_CHANNELS)
        hub.stop()

        assert status == 0
        assert left == {}
        assert count == "1"
        assert processes_of(home) == {}


def test_hub_replaces_what_dies_under_it(home):
    with Hub(home) as hub:
        server, children = postmaster_pid(hub.home), hub.children()
        for pid in (server, *children):
            os.kill(pid, signal.SIGKILL)

        wait_until(lambda: len(hub.children().keys() - children.keys()) == len(children))
        wait_until(hub.is_ready)

        assert postmaster_pid(hub.home) != server
        assert "The worker ended unexpectedly (SIGKILL)." in hub.output
        hub.stop()
        assert processes_of(hub.home) == {}


def test_web_process_that_dies_is_replaced_while_the_others_answer(home):
    with Hub(home, WEB_PROCESSES="3") as hub:
        before = web_processes(hub)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: "The web ended unexpectedly" in hub.output)

        answers = [hub.get("/health/live")[0] for _ in range(20)]
        wait_until(lambda: len(web_processes(hub)) == 3)

        assert answers == [200] * 20
        assert len(before) == 3
        assert len(before & web_processes(hub)) == 2


def test_serve_gives_up_if_the_web_cannot_start(home, tmp_path):
    # Nothing but the web imports it.
    (tmp_path / "uvicorn.py").write_text("raise ImportError('a broken installation')")
    hub = Hub(home, WEB_PROCESSES="3", PYTHONPATH=str(tmp_path))
    with hub.launched():
        status = hub.wait()

        assert status == 1
        assert "The web does not start. Its last output:" in hub.output
        assert processes_of(home) == {}


def test_serve_starts_at_least_one_web_process(tmp_path):
    refused = manage(tmp_path, "serve", WEB_PROCESSES="0")

    assert refused.returncode != 0
    assert 'Environment variable "WEB_PROCESSES" invalid' in refused.stderr


def test_two_hubs_run_side_by_side(hub, home):
    with Hub(home) as other:
        both_ready = hub.is_ready() and other.is_ready()
        other_count = other.shell(COUNT_CHANNELS)

    assert both_ready
    assert other_count == "0"
    assert hub.is_ready()


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda hub: hub.stop(signal.SIGINT), id="SIGINT"),
        pytest.param(lambda hub: hub.stop(signal.SIGTERM), id="SIGTERM"),
        pytest.param(lambda hub: hub.interrupt_terminal(), id="Ctrl-C"),
        pytest.param(lambda hub: hub.kill(), id="SIGKILL"),
    ],
)
def test_make_run_ends_all_that_it_started(home, end):
    # The packages are there already: these tests run on them.
    make = ["make", f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/.installed", "run"]
    with Hub(home, command=make) as hub:
        ready = hub.is_ready()

        end(hub)

        wait_until(lambda: processes_of(hub.home) == {})
    assert ready
    assert "Stopped." in hub.output


@pytest.mark.parametrize("seconds", [0.2, 0.8, 1.4])
def test_make_run_can_be_interrupted_while_it_starts(home, seconds):
    make = ["make", f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/.installed", "run"]
    hub = Hub(home, command=make)
    with hub.launched():
        time.sleep(seconds)

        hub.stop(signal.SIGINT)

        assert processes_of(home) == {}


@pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="DATABASE_URL is not set")
def test_serve_uses_the_servers_that_it_is_given(tmp_path):
    given = os.environ["DATABASE_URL"]
    name = f"serve_{uuid.uuid4().hex}"
    url = urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            redis_url = {"REDIS_URL": os.environ["REDIS_URL"]} if "REDIS_URL" in os.environ else {}
            with Hub(tmp_path / "hub", "--demo", DATABASE_URL=url, **redis_url) as hub:
                ready = hub.is_ready()
                status = hub.stop()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    assert ready
    assert status == 0
    assert not (tmp_path / "hub" / "postgres").exists()
    assert "Using the PostgreSQL server of DATABASE_URL" in hub.output
