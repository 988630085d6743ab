"""A hub that is started on a backup: erased people are gone before it serves anybody."""

import json
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.config.hub import Hub, Web, free_port, manage, ready_state, wait_until

MAKE = (
    "from contacts.models import Contact; "
    "print(Contact.objects.create(email='ada@example.com').guid); "
    "Contact.objects.create(email='bea@example.com')"
)
MAKE_KEY = (
    "from channels.keys import create_api_key; "
    "from channels.models import Channel; "
    "channel = Channel.objects.create(code_name='app'); "
    "print(create_api_key(channel, name='Test', access='read')[1])"
)
LIST = (
    "from contacts.models import Contact; "
    "print(list(Contact.objects.values_list('email', flat=True)))"
)


def run(home, *arguments, **changes):
    done = manage(home, *arguments, **changes)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_serve_on_a_backup_erases_again_before_it_starts_the_web(homes, tmp_path):
    home, backup = homes.copy(tmp_path / "hub"), tmp_path / "backup"
    guid = run(home, "shell", "--verbosity", "0", "--command", MAKE)
    subprocess.run(["cp", "-a", home, backup], check=True)
    run(home, "erase_contact", guid, "--reason", "A letter")
    shutil.copytree(home / "erasures", backup / "erasures", dirs_exist_ok=True)

    # With the key of another hub nobody can be looked for.
    refused = manage(backup, "serve", PORT=str(free_port()), ERASURE_KEY="another key " * 4)

    with Hub(backup) as hub:
        emails = hub.shell(LIST)

    assert refused.returncode == 1
    assert "1 erasure in" in refused.stderr
    assert "written under another ERASURE_KEY" in refused.stderr
    assert emails == "['bea@example.com']"
    assert hub.output.index("Erased again: 1 person.") < hub.output.index("Starting web")


@pytest.fixture
def away(homes, tmp_path):
    """A backup that brings Ada back, and whose database is not there yet."""
    return Away(homes.copy(tmp_path / "hub"), tmp_path / "backup")


class Away:
    """A backup that brings an erased person back, and whose database is not there yet."""

    def __init__(self, home, backup):
        self.home = backup
        self.guid = run(home, "shell", "--verbosity", "0", "--command", MAKE)
        self._key = run(home, "shell", "--verbosity", "0", "--command", MAKE_KEY)
        subprocess.run(["cp", "-a", home, backup], check=True)
        run(home, "erase_contact", self.guid, "--reason", "A letter")
        shutil.copytree(home / "erasures", backup / "erasures", dirs_exist_ok=True)
        self._database, self._elsewhere = backup / "postgres", backup / "postgres.elsewhere"
        self._database.rename(self._elsewhere)
        # What the embedded server is refused for.
        self._database.mkdir()
        (self._database / "no database").touch()

    def let_database_come(self):
        shutil.rmtree(self._database)
        self._elsewhere.rename(self._database)

    def ask_for_her(self, web):
        """The status and the body of what the read API answers about her."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{web.port}/hub/v1/contacts/{self.guid}",
            headers={"Authorization": f"Bearer {self._key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def test_a_web_process_without_its_database_erases_again_before_it_serves(away):
    with Web(away.home) as web:
        status, problem = away.ask_for_her(web)
        state = ready_state(web)
        page, live = web.get("/admin/login/")[0], web.get("/health/live")[0]
        away.let_database_come()
        answers = []
        wait_until(lambda: answers.append(away.ask_for_her(web)) or answers[-1][0] != 503)

    assert answers[-1][0] == 404
    assert "Erased again: 1 person." in web.output
    assert (status, json.loads(problem)["code"]) == (503, "unavailable")
    assert state["database"] == "not used before erased people were looked for"
    assert (page, live) == (503, 200)


def test_a_web_process_ends_if_the_database_that_comes_cannot_be_matched(away):
    with Web(away.home, ERASURE_KEY="another key " * 4) as web:
        away.let_database_come()
        status = web.wait()

    assert status == 1
    assert "written under another ERASURE_KEY" in web.output


def test_a_worker_without_its_database_erases_again_before_it_works(away):
    worker = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads"]
    hub = Hub(away.home, command=[*worker, "--loglevel", "INFO"], LOG_LEVEL="INFO")
    with hub.launched():
        wait_until(lambda: "Nobody was looked for" in hub.output)
        ended_while_waiting = hub.stop()
        hub.launch()
        wait_until(lambda: "Nobody was looked for" in hub.output)
        away.let_database_come()
        wait_until(lambda: " ready." in hub.output)

    assert ended_while_waiting == -signal.SIGTERM
    assert hub.output.index("Erased again: 1 person.") < hub.output.index(" ready.")
