"""Broadcasts for tests, and who asks for them and approves."""

import pytest
from django.db.models.functions import Now

from automations.broadcasting import (
    approve_broadcast,
    request_broadcast,
)
from automations.jobs import BROADCASTS
from automations.looked_at import mark_of
from automations.models import Broadcast
from jobs.working import work_off
from tests.factories import make_contact

AUSTRIANS = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create(username="ada")


@pytest.fixture
def ben(django_user_model):
    return django_user_model.objects.create(username="ben")


def broadcast(automation, rule=AUSTRIANS, by=None, **fields):
    return request_broadcast(automation, rule=rule, audience="Austrians", by=by, **fields)


def make_austrians(number):
    return [make_contact(country="AUT").pk for _ in range(number)]


def approve(row, by):
    approve_broadcast(row, by=by, looked_at=mark_of(row))


def work(row, *, now=False):
    """Let workers do what is due, or the next part if that is to be `now`."""
    if now:
        Broadcast.objects.filter(status="waiting").update(due_at=Now(), starts_at=Now())
    work_off(BROADCASTS)
    row.refresh_from_db()
