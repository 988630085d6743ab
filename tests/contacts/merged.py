"""Merges for tests, carried out at once."""

from uuid import uuid4

from activities.drafts import Draft
from activities.models import Activity
from activities.recording import Source, record_activities
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from contacts.undoing import undo_merge
from tests.factories import make_channel


def merge(survivor, loser, **how):
    """The merge that a user has asked for, carried out."""
    reason = ContactMerge.Reason.MARKETER
    request = request_merge(survivor=survivor, loser=loser, reason=reason, **how)
    carry_out_merges([request.pk])
    request.refresh_from_db()
    assert request.status == ContactMerge.Status.DONE
    return request


MARKETER = ContactMerge.Reason.MARKETER


def undo(done):
    undone = undo_merge(done.pk)
    return undone.restored, undone.not_restored


def record(guid, channel=None, **draft):
    source = Source(door="test", channel=channel or make_channel(), request_id=uuid4())
    (outcome,) = record_activities(
        [Draft(**{"type": "click", "value": "x", **draft})], contact_guid=guid, source=source
    )
    assert outcome.accepted
    return Activity.objects.order_by("pk").last()
