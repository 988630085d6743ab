"""manage.py serve: the whole hub on this machine, until Ctrl-C."""

import errno
import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import Error, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from channels.keys import create_api_key
from channels.models import ApiKey, Channel
from config.demo import data
from config.demo.crm.connecting import NETWORKS as CRM_NETWORKS
from config.demo.loading import ROLE_LOGINS
from config.embedded.locks import FileLock
from config.embedded.postgres import EmbeddedPostgres, embedded_postgres, make_private
from config.embedded.processes import Child, Stopped, StopRequests, Supervisor
from config.pools import close_connections
from config.publishing import refuse_to_publish, refuse_to_publish_the_demo
from config.tasks import beat_heart, last_heartbeat
from config.terminal import manage
from config.web_start import ERASED_AGAIN
from jobs.declaring import queues
from privacy.erasing_again import erase_again
from privacy.erasure_file import FileFault
from readers.reading import begin

WORKER_THREADS = 4
KEY_NAME = "Printed by serve"

_SECONDS_FOR_WORKER = 30
_SECONDS_FOR_PORT = 2.0
_SECONDS_BETWEEN_DATABASE_CHECKS = 0.5
# Between attempts to start a database that does not.
_LONGEST_PAUSE = 10.0

_ACTIVITIES = (
    '[{"type":"pagevisit","value":"Home","url":"https://example.com/"},'
    '{"type":"click","value":"Buy","url":"https://example.com/"},'
    '{"type":"datainput","value":"Registration form","contactFields":{"ContactFirstName":"Ada",'
    '"ContactLastName":"Lovelace","ContactEmail":"ada.lovelace@example.com"}},'
    '{"type":"custom_loan_calculator","value":"5000"}]'
)


class Command(BaseCommand):
    help = "Run the whole hub on this machine: database, migrations, web, worker and scheduler."
    # Some checks ask the database, which may be neither running nor migrated yet.
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument(
            "--demo",
            action="store_true",
            help="load demo data and print a login, an API key and a first request",
        )

    def handle(self, *, demo: bool, **options) -> None:
        if demo:
            os.environ["DEMO"] = "True"  # for the processes that this starts
            os.environ.setdefault("DESTINATION_ALLOWED_NETWORKS", CRM_NETWORKS)
            settings.DEMO = True
        _check(refuse_to_publish)
        hub = _claim_data_directory()
        _refuse_taken_port()
        requests = StopRequests()
        postgres = _embedded_postgres()
        supervisor = Supervisor(
            self._children(),
            requests=requests,
            say=self._say,
            look_after_others=_Care(postgres, self._say),
        )
        is_well = True
        try:
            requests.listen()
            self._prepare(postgres, demo=demo)
            is_well = self._run(supervisor, requests, demo=demo)
        except Stopped:
            pass
        except OperationalError as error:
            raise CommandError(f"The database does not work: {error}") from error
        finally:
            requests.startup_done()
            self._stop(supervisor, postgres)
            hub.unlock()
        if not is_well:
            sys.exit(1)

    def _prepare(self, postgres: EmbeddedPostgres | None, *, demo: bool) -> None:
        if postgres:
            self._say(f"Starting PostgreSQL in {postgres.data} …")
            postgres.acquire()
        else:
            self._say("Using the PostgreSQL server of DATABASE_URL.")
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            self._say(f"Bringing the database up to date ({len(missing)} migrations) …")
            call_command("migrate", interactive=False, verbosity=0)
        begin()
        self.check()
        try:
            erase_again(self._say)
        except FileFault as error:
            raise CommandError(str(error)) from None
        if demo:
            call_command("load_demo_data", stdout=self.stdout, stderr=self.stderr)
        _check(refuse_to_publish_the_demo)

    def _run(self, supervisor: Supervisor, requests: StopRequests, *, demo: bool) -> bool:
        self._say("Starting web, worker and scheduler …")
        lines = _demo_lines() if demo else _lines_without_demo()
        before = last_heartbeat()
        close_connections()
        requests.startup_done()
        started_at = time.monotonic()
        supervisor.start()
        # Rings the doorbell, so that the worker's first sign of life does not wait for the
        # scheduler; an unreachable broker shows up in the worker's own output.
        beat_heart.delay_on_commit()
        is_well = supervisor.watch(until=lambda: _is_up(started_at, before))
        close_connections()
        if is_well and not requests.count:
            supervisor.is_up = True
            self._greet(lines, demo=demo)
            is_well = supervisor.watch()
        return is_well

    def _stop(self, supervisor: Supervisor, postgres: EmbeddedPostgres | None) -> None:
        self._say("\nStopping …")
        supervisor.stop()
        close_connections()
        if postgres:
            postgres.release()
        self._say("Stopped.")

    def _greet(self, lines: list[str], *, demo: bool) -> None:
        start = [
            "",
            f"Throughline is running at {_address()}",
            "",
            f"  Admin       {_address()}/admin/" + ("   (login: demo / demo)" if demo else ""),
        ]
        if demo:
            start += [f"              or as {role} / {role}" for role in ROLE_LOGINS]
        start += [f"  API docs    {_address()}/api/docs/"]
        self._say("\n".join([*start, *lines, "", "Press Ctrl-C to stop."]))

    def _children(self) -> list[Child]:
        """In the order in which they are stopped: nothing new comes in, then the rest is done."""
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
        web = [sys.executable, "-m", "config.web"]
        worker = [*celery, "worker", "--pool", "threads", "--concurrency", str(WORKER_THREADS)]
        worker += ["--queues", ",".join(queues()), "--loglevel", "WARNING"]
        worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        scheduler = [*celery, "beat", "--loglevel", "WARNING"]
        return [
            # They share the port: Linux spreads the connections.
            *(self._child("web", web, seconds_to_stop=15) for _ in range(settings.WEB_PROCESSES)),
            self._child("scheduler", scheduler, seconds_to_stop=5),
            self._child("worker", worker, seconds_to_stop=30),
        ]

    def _child(self, name: str, command: list[str], *, seconds_to_stop: float) -> Child:
        return Child(
            name,
            command,
            environment=_environment(),
            folder=settings.BASE_DIR,
            say=self._say,
            seconds_to_stop=seconds_to_stop,
        )

    def _say(self, text: str) -> None:
        # A terminal that is gone must not keep the hub from ending in order.
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()


class _Care:
    """Looks after the embedded PostgreSQL, which is no child of this process.

    One that does not start is tried again, after pauses that grow: a disk may have room again.
    """

    def __init__(self, postgres: EmbeddedPostgres | None, say: Callable[[str], None]):
        self._postgres, self._say = postgres, say
        self._next_at = 0.0
        self._failures = 0

    def __call__(self) -> None:
        if self._postgres is None or time.monotonic() < self._next_at:
            return
        try:
            self._postgres.revive()
        except (OperationalError, OSError) as error:
            if not self._failures:
                self._say(f"The database does not start; it is tried again until it does. {error}")
            self._failures += 1
        else:
            if self._failures:
                self._say("The database works again.")
            self._failures = 0
        pause = _SECONDS_BETWEEN_DATABASE_CHECKS * 2 ** min(self._failures, 10)
        self._next_at = time.monotonic() + min(pause, _LONGEST_PAUSE)


def _check(refuse: Callable[[], None]) -> None:
    try:
        refuse()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from None


def _refuse_taken_port() -> None:
    # The web process of a hub that was killed needs a moment to notice.
    give_up_at = time.monotonic() + _SECONDS_FOR_PORT
    while error := _try_port():
        if error.errno != errno.EADDRINUSE or time.monotonic() > give_up_at:
            raise CommandError(
                f"The hub cannot listen on {settings.HOST}:{settings.PORT}: {error.strerror}. "
                "Stop what uses that port, or set another one: PORT=8001"
            ) from error
        time.sleep(0.2)


def _try_port() -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _claim_data_directory() -> FileLock:
    make_private(settings.DATA_DIR)
    lock = FileLock(settings.DATA_DIR / "serve.lock")
    if not lock.try_alone():
        raise CommandError(
            f"Another hub runs on the data in {settings.DATA_DIR}. Stop it, or give this one a "
            "folder of its own: DATA_DIR=.data-2"
        )
    return lock


def _embedded_postgres() -> EmbeddedPostgres | None:
    is_embedded = settings.DATABASES["default"]["ENGINE"] == "config.embedded"
    return embedded_postgres(settings.DATA_DIR) if is_embedded else None


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        # The children work in the project's folder, where a relative path would mean another one.
        "DATA_DIR": str(settings.DATA_DIR),
        "HOST": settings.HOST,
        "PORT": str(settings.PORT),
        "PYTHONUNBUFFERED": "1",
        ERASED_AGAIN: "1",
        # Root is welcome: only JSON is accepted from the broker, nothing that could run code.
        "PYTHONWARNINGS": "ignore:You're running the worker",
    }


def _connectable_host() -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104


def _address() -> str:
    # Browsers refuse passkeys for 127.0.0.1, and take them for localhost.
    host = _connectable_host().replace("127.0.0.1", "localhost")
    return f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"


def _is_up(started_at: float, heartbeat_before: datetime | None) -> bool:
    """Whether the web answers, and the worker too unless it takes unusually long."""
    web = http.client.HTTPConnection(_connectable_host(), settings.PORT, timeout=2)
    try:
        web.request("GET", "/health/live")
        web.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        web.close()
    if time.monotonic() - started_at > _SECONDS_FOR_WORKER:
        return True
    with suppress(Error):
        return last_heartbeat() != heartbeat_before
    return False


def _lines_without_demo() -> list[str]:
    """How to make the first user and the first channel with its key, as far as they are missing."""
    lines = []
    if not User.objects.exists():
        lines += ["", "Make the first user, in another terminal:", "", manage("createsuperuser")]
    if not Channel.objects.exists():
        add_channel = reverse("admin:channels_channel_add")
        lines += ["", f"Then add a channel, and a key for it: {_address()}{add_channel}"]
    return lines


def _demo_lines() -> list[str]:
    """The demo's websites, and a first request unless the hub is read-only."""
    sites = {data.CHANNEL_NAMES[data.SITE]: data.SITE_HOST}
    sites |= {site.name: site.host for site in data.TRACKED_SITES.values()}
    lines = ["", "The demo's websites:", ""]
    lines += [f"  {name:<20}http://{host}:{settings.PORT}/" for name, host in sites.items()]
    lines += ["", "What the hub has delivered to the demo's CRM:", "", f"  {_address()}/demo/crm/"]
    if settings.READ_ONLY:
        return [*lines, "", "The hub is read-only: it takes no new contacts and activities."]
    return [
        *lines,
        "",
        "Send a contact's first activities: paste this into another terminal.",
        "",
        _first_request(),
        "",
        "This key is made anew at every start; for an app, use: "
        + manage("create_api_key", data.APP),
        f"Then look at the contact: {_address()}/admin/contacts/contact/",
    ]


def _first_request() -> str:
    """One shell command that creates a contact and posts its first activities, with a new key."""
    channel = Channel.objects.get(code_name=data.APP)
    # Only hashes of keys are kept, so the key of the last start cannot be shown again.
    ApiKey.objects.filter(channel=channel, name=KEY_NAME).delete()
    _, key = create_api_key(channel, name=KEY_NAME)
    post = f"curl -sS -X POST -H 'Authorization: Bearer {key}' {_address()}/Kentico.Tracking"
    return (
        f"contact=$({post}/contacts | grep -o '[0-9a-f-]\\{{36\\}}') && "
        f"{post}/activities -H 'Content-Type: application/json' -w '\\n' "
        f'-d \'{{"channel":"{channel.guid}","contact":"\'$contact\'","activities":{_ACTIVITIES}}}\''
    )
