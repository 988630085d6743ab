"""The commands of destinations, for operators and their scripts."""

import http.server
import json
import threading
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from destinations.kinds import kind_of
from destinations.models import Delivery, Destination, Queue
from destinations.queues import ensure_queues, find_work

pytestmark = pytest.mark.django_db

SECRET = "whsec_QWxkZXIgQmFuayBpcyBhIGJhbmsgdGhhdCBkb2VzIG5vdCBleGlzdA=="


@pytest.fixture
def receiver(settings):
    """A server that answers with the status in the path of the request."""
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(int(self.path[1:]))
            self.end_headers()
            self.wfile.write(b"So it is.")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def crm():
    crm = Destination.objects.create(
        name="CRM", code_name="crm", url="http://127.0.0.1:9/", secret=SECRET, enabled=True
    )
    ensure_queues([crm.pk])
    return crm


def run(*arguments):
    output = StringIO()
    call_command(*arguments, stdout=output)
    return json.loads(output.getvalue())


def make_delivery(destination, **fields):
    return Delivery.objects.create(
        destination=destination,
        kind=Delivery.Kind.ACTIVITY,
        source=f"activity:{uuid4()}",
        occurred_at=timezone.now(),
        **{"payload": {"type": "activity"}, **fields},
    )


def make_delivered(destination, hours_ago):
    at = timezone.now() - timedelta(hours=hours_ago)
    return make_delivery(destination, status="delivered", delivered_at=at, created_at=at)


def test_send_test_prints_what_the_destination_answers(receiver, crm):
    crm.url = f"{receiver}/202"
    crm.save()

    printed = run("send_test", "CRM")

    assert 0 <= printed.pop("seconds") < 15
    assert printed == {"delivered": True, "status": 202, "answer": "So it is.", "error": ""}


def test_send_test_fails_if_the_destination_does_not_take_it(receiver, crm, capsys):
    crm.url = f"{receiver}/401"
    crm.save()

    with pytest.raises(SystemExit) as ended:
        call_command("send_test", "crm")

    assert ended.value.code == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["delivered"], printed["status"]) == (False, 401)
    assert "401" in printed["error"]


def test_send_test_says_that_a_destination_was_deleted_meanwhile(crm, monkeypatch):
    def delete(self, *_):
        Destination.objects.all().delete()
        return "It is gone."

    monkeypatch.setattr(type(kind_of(crm)), "why_not", delete)

    with pytest.raises(CommandError, match="deleted this destination meanwhile"):
        call_command("send_test", "crm")


def test_send_again_sends_what_is_newer_under_the_same_ids(crm):
    other = Destination.objects.create(name="Other", code_name="other")
    old, new, of_another = (
        make_delivered(destination, hours_ago)
        for destination, hours_ago in ((crm, 3), (crm, 1), (other, 1))
    )
    since = timezone.now() - timedelta(hours=2)

    assert run("send_again", "Crm", f"--since={since.isoformat()}") == {"deliveries": 1}

    waiting = Delivery.objects.get(status="waiting")
    assert (waiting.pk, waiting.message_id) == (new.pk, new.message_id)
    find_work()
    assert Queue.objects.get(destination=crm).has_work
    assert {old.pk, of_another.pk} == set(
        Delivery.objects.filter(status="delivered").values_list("pk", flat=True)
    )


@pytest.mark.parametrize(
    "command", [["send_test", "none"], ["send_again", "none", "--since=2026-01-31"]]
)
def test_unknown_destination_is_named(command):
    with pytest.raises(CommandError, match="There is no destination “none”"):
        call_command(*command)


@pytest.mark.parametrize("time", ["yesterday", "", "2026-13-01"])
def test_what_is_no_time_is_refused(crm, time):
    with pytest.raises(CommandError, match="is no time: write it as"):
        call_command("send_again", "crm", f"--since={time}")
