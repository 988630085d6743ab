"""Merges for tests, carried out at once."""

from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge


def merge(survivor, loser, **how):
    """The merge that a user has asked for, carried out."""
    reason = ContactMerge.Reason.MARKETER
    request = request_merge(survivor=survivor, loser=loser, reason=reason, **how)
    carry_out_merges([request.pk])
    request.refresh_from_db()
    assert request.status == ContactMerge.Status.DONE
    return request
