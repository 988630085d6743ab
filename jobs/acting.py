"""Carries bulk actions out: a portion is one transaction, and notes how far the action is."""

import time
from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Model
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils import timezone

from adminsite.listed import NotListed, next_ids, rows_listed
from adminsite.words import narrowing
from jobs.bulk import BulkKind, CannotGoOn, kind_named
from jobs.models import BulkAction
from jobs.tasks import ring

JOB = "bulk actions"
# A portion ends with so many rows, or when it has looked at rows for so long.
_MOST_ROWS, _LOOKED_AT, _SECONDS = 1_000, 4_000, 2.0
_MOST_FAILURES = 100

_Status = BulkAction.Status


def ask_for_bulk_action(
    model: type[Model],
    kind: BulkKind,
    *,
    query: str,
    filters: str = "",
    options: dict[str, Any],
    by: User,
) -> BulkAction:
    """Have `kind` done to all rows of `model` that the filters in `query` find for this user.

    :param filters: the filters in words
    :raises ValidationError: if the user may not do it, or the list is not filtered
    """
    if not narrowing(QueryDict(query)):
        raise ValidationError("Filter the list first: it is done to all that a filter finds.")
    try:
        _check(model, kind, query, by)
    except (NotListed, CannotGoOn) as error:
        raise ValidationError(str(error)) from None
    end = model._default_manager.aggregate(end=Max("pk"))["end"] or 0
    action = BulkAction.objects.create(
        kind=kind.name,
        list_of=model._meta.label_lower,
        query=query,
        filters=filters,
        options=options,
        says=kind.sentence(options)[:250],
        by=by,
        end=end,
    )
    ring(JOB)
    return action


def cancel(action: BulkAction) -> bool:
    """Do nothing further; whether it was still running. What was done stays."""
    running = BulkAction.objects.filter(pk=action.pk, status=_Status.WAITING)
    return bool(running.update(status=_Status.CANCELLED, finished_at=Now()))


def go_on(keys: Collection[int]) -> None:
    """Carry out the next portion of these bulk actions."""
    for key in sorted(keys):
        _carry_out_portion(key)


@transaction.atomic
def _carry_out_portion(key: int) -> None:
    rows = BulkAction.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    action = rows.filter(pk=key, status=_Status.WAITING).first()
    if action is None:
        return
    try:
        with transaction.atomic():
            is_over = _do_some(action)
    except (CannotGoOn, NotListed) as error:
        action.refresh_from_db()
        action.status, action.reason, is_over = _Status.STOPPED, str(error), True
    if is_over:
        action.finished_at = timezone.now()
        if action.status == _Status.WAITING:
            action.status = _Status.DONE
    action.due_at = timezone.now()
    action.attempts, action.last_error = 0, ""
    action.save()


def _do_some(action: BulkAction) -> bool:
    """Do a portion, and whether it was the last.

    :raises CannotGoOn: if nothing more can be done
    :raises NotListed: if the user may not see the rows any more
    """
    model = apps.get_model(action.list_of)
    kind = kind_named(model, action.kind)
    if kind is None or action.by is None:
        raise CannotGoOn(
            "There is no such action any more." if kind is None else "Who asked for it is gone."
        )
    listed = _check(model, kind, action.query, action.by)
    ids: list[int] = []
    is_over, ends_at = False, time.monotonic() + _SECONDS
    while not is_over and len(ids) < _MOST_ROWS and time.monotonic() < ends_at:
        most = _MOST_ROWS - len(ids) if listed.look is None else _LOOKED_AT
        some, last = next_ids(listed, action.last_row, most)
        # Rows that came later were not found when the user looked.
        ids += [one for one in some if one <= action.end]
        is_over = last is None or last >= action.end
        action.last_row = last or action.end
    if ids:
        outcome = kind.do(ids, action.options, action.by)
        action.found += len(ids)
        action.changed += outcome.changed
        action.failed += len(outcome.failures)
        left = max(_MOST_FAILURES - len(action.failures), 0)
        action.failures += list(outcome.failures.items())[:left]
    return is_over


def _check(model: type[Model], kind: BulkKind, query: str, user: User):
    if not kind.may(user):
        raise CannotGoOn("The user who asked for it may not do this any more.")
    return rows_listed(model, user, query)
