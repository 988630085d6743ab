"""Deliveries of each format go out as workers have them go out, and are noted one by one."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from destinations.models import Delivery
from destinations.signing import id_of
from tests.destinations.delivering import deliver, statuses
from tests.destinations.formats import answer, make_delivery, make_destination, make_message
from tests.destinations.raw_servers import raw_server, says

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]


def waiting(destination, count=3, **fields):
    """So many deliveries that wait."""
    given = [make_delivery(destination, attempts=0, **fields) for _ in range(count)]
    return Delivery.objects.bulk_create(given)


@pytest.mark.parametrize("type", ["segment", "mixpanel"])
def test_what_waits_goes_out_together(type):
    with raw_server(says(answer(200, {"code": 200}))) as server:
        destination = make_destination(type, url=server.url, enabled=True)
        waiting(destination)
        deliver()

    assert statuses(destination) == ["delivered"] * 3
    assert len(server.bodies) == 1


def test_of_a_batch_each_delivery_has_what_came_of_it():
    destination = make_destination("mixpanel", enabled=True)
    given = waiting(destination)
    refused = {"insert_id": given[1].message_id.hex, "message": "It has no time."}
    with raw_server(says(answer(400, {"code": 400, "failed_records": [refused]}))) as server:
        destination.url = server.url
        destination.save()
        deliver()

    assert statuses(destination) == ["delivered", "failed", "delivered"]
    assert Delivery.objects.get(pk=given[1].pk).reason.endswith("It has no time.")


def test_what_is_too_old_for_google_fails_and_the_others_go_out():
    with raw_server(says(answer(204))) as server:
        destination = make_destination("ga4", url=server.url, enabled=True)
        old = make_message(at=timezone.now() - timedelta(hours=73))
        make_delivery(destination, old, attempts=0).save()
        waiting(destination, 2)
        deliver()

    assert statuses(destination) == ["failed", "delivered", "delivered"]
    assert "72 hours" in destination.deliveries.earliest("pk").reason
    assert [len(json.loads(body)["events"]) for body in server.bodies] == [2]


def test_lines_are_written_to_files(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    destination = make_destination("file", code_name="crm", enabled=True)
    given = waiting(destination)

    deliver()

    lines = [
        json.loads(line)
        for file in (tmp_path / "destinations" / "crm").glob("*-crm.ndjson")
        for line in file.read_text().splitlines()
    ]
    assert statuses(destination) == ["delivered"] * 3
    assert [line["id"] for line in lines] == [id_of(one.message_id) for one in given]


def test_what_lacks_credentials_waits_until_they_are_entered():
    with raw_server(says(answer(200))) as server:
        destination = make_destination("segment", url=server.url, enabled=True)
        key, destination.credentials = destination.credentials, {}
        destination.save()
        waiting(destination, 1)
        deliver()
        lacking = Delivery.objects.get()
        destination.credentials = key
        destination.save()
        Delivery.objects.update(due_at=timezone.now())
        deliver()

    assert (lacking.status, lacking.last_error) == (
        "waiting",
        "The destination has no write key yet. Enter it.",
    )
    assert statuses(destination) == ["delivered"]
