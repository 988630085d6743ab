"""The reader of destinations: what it makes and how far it is are one transaction."""

import pytest

from destinations.following import DESTINATIONS
from readers import reading
from readers.reading import declared_readers
from tests.destinations.made import (
    deliveries,
    follow,
    make_destination,
    plain_kinds,
    reader_that_has_begun,
)
from tests.factories import make_activity

__all__ = ["plain_kinds", "reader_that_has_begun"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reader_that_has_begun"),
]


def test_the_hub_has_the_reader():
    assert declared_readers()["destinations"] is DESTINATIONS


def test_deliveries_and_the_position_of_the_reader_are_one_transaction(monkeypatch):
    crm = make_destination(activities=["pagevisit"])
    make_activity()
    move = reading.move

    def dies(*args):
        monkeypatch.setattr(reading, "move", move)
        raise RuntimeError("The worker was killed.")

    monkeypatch.setattr(reading, "move", dies)
    follow()
    assert not deliveries(crm)

    reading.try_again(DESTINATIONS)
    follow()
    assert len(deliveries(crm)) == 1
