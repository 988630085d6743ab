"""Switching automations on: for many people, a second user has to approve."""

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from psycopg.errors import QueryCanceled

from automations.dry_run import dry_run
from automations.models import Automation

NOT_ASKED = "Nobody has asked to switch this automation on."
ONES_OWN = "You have asked to switch it on: another user has to approve."
ARCHIVED = "An archived automation cannot be switched on."
CHANGED = "It was changed since you looked at it: look again."


def needs_approval(people: int | None) -> bool:
    """Whether a second person approves before so many people, or nobody knows how many, enter."""
    most = settings.AUTOMATION_APPROVAL_FROM
    return most > 0 and (people is None or people >= most)


def lets_many_in(automation: Automation) -> bool:
    """Whether a second person approves before the automation, saved or not, is switched on.

    It is if as many people would have entered in the last 30 days as the setting
    AUTOMATION_APPROVAL_FROM says, or the database takes too long to tell.
    """
    if not settings.AUTOMATION_APPROVAL_FROM:
        return False
    try:
        return needs_approval(dry_run(automation).people)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return True


def ask_to_enable(automation: Automation, *, by: User) -> bool:
    """Switch the automation on; tell whether it is on, or waits for another user's approval.

    It waits if it lets many in, as `lets_many_in` says.

    :raises ValidationError: if it is archived, or another version is current than that given
    """
    waits = lets_many_in(automation)
    with transaction.atomic():
        row = _locked(automation)
        if waits:
            row.approval_asked_by, row.approved_by = by, None
        else:
            row.enabled, row.approval_asked_by, row.approved_by = True, None, None
        row.save(update_fields=["enabled", "approval_asked_by", "approved_by"])
    automation.refresh_from_db()
    return automation.enabled


@transaction.atomic
def approve(automation: Automation, *, by: User) -> None:
    """Switch on an automation that another user has asked for.

    :raises ValidationError: if nobody has, it was the same user, or another version is current than
        that given
    """
    row = _locked(automation)
    if row.enabled or row.approval_asked_by_id is None:
        raise ValidationError(NOT_ASKED)
    if row.approval_asked_by_id == by.pk:
        raise ValidationError(ONES_OWN)
    row.enabled, row.approved_by = True, by
    row.save(update_fields=["enabled", "approved_by"])
    automation.refresh_from_db()


@transaction.atomic
def take_back(automation: Automation) -> None:
    """Let nobody's approval be waited for any more; the automation stays off."""
    row = _lock(automation)
    if not row.enabled:
        row.approval_asked_by = row.approved_by = None
        row.save(update_fields=["approval_asked_by", "approved_by"])
    automation.refresh_from_db()


def _locked(automation: Automation) -> Automation:
    row = _lock(automation)
    if row.archived_at:
        raise ValidationError(ARCHIVED)
    if row.version != automation.version:
        raise ValidationError(CHANGED)
    return row


def _lock(automation: Automation) -> Automation:
    rows = Automation.objects.select_for_update(no_key=True, of=("self",))
    return rows.get(pk=automation.pk)
