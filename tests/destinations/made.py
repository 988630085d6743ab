"""Destinations for tests of what is made into deliveries, and the reader that makes them."""

import itertools

import pytest

from destinations import queues
from destinations.following import DESTINATIONS
from destinations.kinds import DestinationKind, base
from destinations.models import Delivery, Destination
from destinations.queues import ensure_queues
from tests.readers.waiting import read_next

_numbers = itertools.count(1)


class PlainKind(DestinationKind):
    """Messages as the hub has them, and requests to delete a contact."""

    type = "webhook"

    def payload(self, destination, message):
        return message.as_json()

    def erasure(self, destination, message):
        return message.as_json()

    async def send(self, destination, deliveries, client):
        pytest.fail("Nothing goes out in tests of what is made.")


class MuteKind(PlainKind):
    """The same, without a way to ask for a deletion."""

    type = "file"

    def erasure(self, destination, message):
        return None


@pytest.fixture(autouse=True)
def plain_kinds(monkeypatch):
    """Formats in which tests see everything that may go out."""
    for kind in (PlainKind(), MuteKind()):
        monkeypatch.setitem(base._kinds, kind.type, kind)


@pytest.fixture
def rung(monkeypatch):
    """The jobs for which a worker is woken."""
    names = []
    monkeypatch.setattr(queues, "ring", names.append)
    return names


@pytest.fixture
def reader_that_has_begun(transactional_db):
    """What is recorded from now on is read."""
    follow()


def make_destination(**fields):
    """A destination that is switched on, and asks nobody."""
    number = next(_numbers)
    destination = Destination.objects.create(
        **{
            "name": f"Destination {number}",
            "code_name": f"destination-{number}",
            "enabled": True,
            **fields,
        }
    )
    ensure_queues([destination.pk])
    destination.refresh_from_db()
    return destination


def follow():
    """Let the reader read all that was committed."""
    while read_next(DESTINATIONS):
        pass


def deliveries(destination):
    """The deliveries of a destination, in the order in which they were made."""
    return list(Delivery.objects.filter(destination=destination).order_by("pk"))


def payloads(destination):
    """What goes out to a destination, in the order in which it was made."""
    return [one.payload for one in deliveries(destination)]


def told(destination):
    """Of what a destination is told, in order."""
    return [one.source for one in deliveries(destination)]
