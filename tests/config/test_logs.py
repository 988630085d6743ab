"""Logs say what failed, and nothing that people sent."""

import http.client
import logging
from contextlib import closing

import kombu.exceptions
import psycopg
import pytest
from celery.beat import SchedulingError
from django.db import IntegrityError, OperationalError
from django.test import Client

from config.logs import DiscreetFormatter, OutageFilter, without_details
from tests.config.hub import Hub, manage, wait_until

MESSAGE = 'duplicate key value violates unique constraint "one_live_contact_per_email"'
DETAIL = "DETAIL:  Key (upper(email))=(ANN@EXAMPLE.COM\nof Graz) already exists."

# Rules that the hub does not expect, so that what breaks them is an error in its log.
MAKE_TRAPS = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE UNIQUE INDEX ON tracking_contactcreation (idempotency_key)")
    cursor.execute("CREATE UNIQUE INDEX ON contacts_contact (last_name) WHERE last_name <> ''")
from channels.keys import create_api_key
from channels.models import Channel
channel = Channel.objects.create(code_name="app")
print(*[create_api_key(channel, name="Test")[1] for _ in range(2)])
"""
SUBMIT_LAST_NAME_TWICE = """
from uuid import uuid4
from activities.drafts import Draft
from activities.recording import Source, record_activities
from channels.models import Channel
from contacts.models import Contact
source = Source(door="test", channel=Channel.objects.get(), request_id=uuid4())
draft = Draft(type="datainput", value="Form", contact_fields={"ContactLastName": "Secretsurname"})
for _ in range(2):
    record_activities([draft], contact_guid=Contact.objects.create().guid, source=source)
"""
CREATE_EMAIL_TWICE = """
import logging
from contacts.models import Contact
for _ in range(2):
    try:
        Contact.objects.create(email="secret.email@example.com")
    except Exception:
        logging.getLogger("hub").exception("It failed")
"""
PROVOKE_THE_SERVER = """
from django.db import DataError, ProgrammingError, connection
for statement in (
    "SELECT 'secret.number@example.com'::integer",
    "SELECT nothing FROM contacts_contact WHERE email = 'secret.column@example.com'",
    "DO $$ BEGIN RAISE WARNING 'secret.warning@example.com'; END $$",
    "COPY contacts_contact (birthday) FROM PROGRAM 'echo secret.copy@example.com'",
):
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except (DataError, ProgrammingError):
        pass
"""


def formatted(error, message="It failed", *arguments):
    """The line and the traceback of a logged exception."""
    try:
        raise IntegrityError(str(error)) from error
    except IntegrityError as raised:
        info = (type(raised), raised, raised.__traceback__)
    record = logging.LogRecord("hub", logging.ERROR, __file__, 1, message, arguments, info)
    return DiscreetFormatter("%(levelname)s %(message)s").format(record)


def test_traceback_keeps_what_was_violated_and_where_without_the_values():
    text = formatted(psycopg.errors.UniqueViolation(f"{MESSAGE}\n{DETAIL}"))

    assert text.count(MESSAGE) == 2
    assert "raise IntegrityError(str(error)) from error" in text
    assert "The above exception was the direct cause" in text
    assert "ANN@EXAMPLE.COM" not in text
    assert "of Graz" not in text


def test_message_that_quotes_an_error_loses_its_details_and_keeps_its_traceback():
    error = psycopg.errors.UniqueViolation(f"{MESSAGE}\n{DETAIL}")

    text = formatted(error, "The task failed: %r and %s", error, error)

    assert text.startswith(f"ERROR The task failed: UniqueViolation('{MESSAGE}")
    assert "Traceback (most recent call last)" in text
    assert "ANN@EXAMPLE.COM" not in text
    assert "of Graz" not in text


@pytest.mark.parametrize(
    "rest",
    [
        "\nDETAIL:  Failing row contains (ann@example.com).",
        '\nCONTEXT:  COPY contact, line 1, column email: "ann@example.com"',
        "\nLINE 1: SELECT x FROM contact WHERE email = 'ann@example.com'\n         ^",
        "\nHINT:  Perhaps you meant ann@example.com.",
        " DETAIL:  Key (email)=(ann@example.com) already exists.",
    ],
)
def test_whatever_follows_the_first_line_of_an_error_is_left_out(rest):
    assert without_details(f"IntegrityError: {MESSAGE}{rest}") == f"IntegrityError: {MESSAGE}"


def test_group_of_exceptions_is_formatted_without_details():
    group = ExceptionGroup("two", [IntegrityError(f"{MESSAGE}\n{DETAIL}"), ValueError("other")])

    text = formatted(group)

    assert MESSAGE in text
    assert "ANN@EXAMPLE.COM" not in text


def test_ordinary_lines_stay_as_they_are():
    line = "Data input of contact 4 failed. Details: see below\nTraceback follows"

    assert without_details(line) == line


def create_contact(hub, key):
    """The status of the answer to a request with an idempotency key that tells a name."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "secret-idempotency-key"}
    with closing(connection):
        connection.request("POST", "/Kentico.Tracking/contacts", b"", headers)
        return connection.getresponse().status


def test_running_hub_logs_conflicts_without_what_was_sent(homes, tmp_path):
    with Hub(homes.copy(tmp_path / "hub"), SWEEP_SECONDS="1") as hub:
        first, second = hub.shell(MAKE_TRAPS).split()

        statuses = [create_contact(hub, key) for key in (first, first, second)]
        hub.shell(SUBMIT_LAST_NAME_TWICE)
        shell = manage(hub.home, "shell", "--verbosity", "0", "--command", CREATE_EMAIL_TWICE)
        hub.shell(PROVOKE_THE_SERVER)
        wait_until(lambda: "cannot be done and is tried again" in hub.output)
        hub.stop()

    server_log = (hub.home / "postgres.log").read_text()
    assert statuses == [200, 200, 500]
    assert "web: " in hub.output
    assert "worker: " in hub.output
    for log in (hub.output, shell.stderr):
        assert "IntegrityError: duplicate key value violates unique constraint" in log
    for log in (hub.output, shell.stderr, server_log):
        assert "secret" not in log.lower()
    assert "database system is ready" in server_log


@pytest.fixture
def clock(monkeypatch):
    """The time, which stands still until a test moves it."""
    clock = {"now": 1_000.0}
    monkeypatch.setattr("config.logs.time.monotonic", lambda: clock["now"])
    return clock


def passed(outages, error):
    """What is left of a line about `error`, if anything."""
    record = logging.LogRecord("hub", logging.ERROR, "", 0, "It failed: %s", ("x",), None)
    record.exc_info = (type(error), error, None)
    left = outages.filter(record)
    if not left:
        return None
    return DiscreetFormatter("%(message)s").format(record if left is True else left)


def scheduled(error):
    """The scheduler's error about another one."""
    try:
        try:
            raise error
        except type(error):
            raise SchedulingError("x")  # noqa: B904 -- as the scheduler does
    except SchedulingError as raised:
        return raised


def test_outage_is_one_line_until_it_is_over(clock):
    outages = OutageFilter()
    lines = []
    for _ in range(64):
        lines.append(passed(outages, OperationalError("no server\n\tIs it running?")))
        clock["now"] += 5
    clock["now"] += 31
    lines.append(passed(outages, OperationalError("no room")))

    assert list(filter(None, lines)) == [
        "The database is away: no server",
        "The database is away: no room",
    ]


def test_outages_of_the_scheduler_have_their_reason(clock):
    outages = OutageFilter()

    full = passed(outages, scheduled(OSError(28, "No space left on device")))
    broker = passed(outages, scheduled(kombu.exceptions.OperationalError("refused")))

    assert full == "The disk is full: [Errno 28] No space left on device"
    assert broker == "The broker is away: refused"


def test_other_errors_keep_their_traceback(clock):
    outages = OutageFilter()

    for _ in range(2):
        assert "IntegrityError: twice" in passed(outages, IntegrityError("twice"))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/Kentico.CrossSiteTracking/Log", "/event"])
@pytest.mark.parametrize(
    "host", ["a b", "a\nb", "[::1", "a:b", "@", "../..", "x" * 10_000, "unknown.example", "\xff"]
)
def test_host_that_is_none_writes_one_line_at_most(caplog, path, host):
    client = Client(raise_request_exception=False)
    for method in ("get", "post", "options"):
        caplog.clear()
        response = getattr(client, method)(
            path,
            HTTP_HOST=host,
            HTTP_ORIGIN="https://a.example",
            HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        )

        # Some doors let pages of every origin ask, whatever the host.
        assert response.status_code == 400 or method == "options"
        lines = [DiscreetFormatter().format(record) for record in caplog.records]
        assert len(lines) <= 1
        assert all("\n" not in line for line in lines)
