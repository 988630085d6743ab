"""Touched contacts are forgotten, but never one that a reader has still to look at."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.logs import TOUCHED
from contacts.models import Touched
from contacts.touching import KEPT_FOR, forget_what_was_read, touch
from jobs.declaring import periodic
from readers import reading
from readers.epochs import begin_epochs
from readers.models import Epoch
from tests.factories import make_contact
from tests.readers.log import ids_read, keeper
from tests.readers.waiting import read_next

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("read_table"),
]


@pytest.fixture
def readers(monkeypatch):
    declared = {name: keeper(TOUCHED, name=name) for name in ("quick", "slow")}
    monkeypatch.setattr(reading, "declared_readers", lambda: declared)
    return declared


def touch_long_ago():
    touch(make_contact().pk)
    row = Touched.objects.latest("pk")
    Touched.objects.filter(pk=row.pk).update(at=timezone.now() - KEPT_FOR - timedelta(hours=1))
    return row


def kept():
    forget_what_was_read()
    return list(Touched.objects.order_by("pk"))


def test_what_every_reader_has_read_is_forgotten_after_a_week(readers, monkeypatch):
    old = touch_long_ago()
    touch(make_contact().pk)
    young = Touched.objects.latest("pk")
    assert kept() == [old, young]

    read_next(readers["quick"], 10)
    assert kept() == [old, young]

    # What was read once is not read again by another reader of tests.
    readers["slow"].logs[TOUCHED] = lambda ids: None
    read_next(readers["slow"], 10)
    assert kept() == [young]
    assert periodic["forget old touched contacts"].do is forget_what_was_read


def test_what_is_read_only_in_part_is_kept_beyond_that(readers):
    del readers["slow"]
    touch_long_ago()
    unread = touch_long_ago()
    read_next(readers["quick"], 1)

    assert kept() == [unread]

    read_next(readers["quick"], 1)
    assert kept() == []


def test_what_an_earlier_cluster_left_is_kept_until_it_is_read(readers):
    del readers["slow"]
    begin_epochs([TOUCHED])
    before = touch_long_ago()
    # As after a restore: what the dump brought along is of an earlier epoch.
    Epoch.objects.filter(log=TOUCHED.name).update(system_identifier=1)
    begin_epochs([TOUCHED])
    after = touch_long_ago()
    assert kept() == [before, after]

    read_next(readers["quick"], 10)
    assert kept() == [after]

    read_next(readers["quick"], 10)
    assert kept() == []
    assert ids_read(TOUCHED) == [before.pk, after.pk]
