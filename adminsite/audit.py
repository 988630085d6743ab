"""The audit log: who changed what, and what else users did.

Rows of tables that are audited are kept by triggers (`config/audited.py` has the table of them), so
whatever changes them is in the log: a form, an action, a command, a configuration file. What
changes no such row, such as a test that was sent, is added by `note`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Model
from django.utils import timezone

from adminsite.models import AuditEntry
from adminsite.permissions import AnyUser

_FORGOTTEN_AT_ONCE = 10_000
_NOTE = "adminsite_note"


@contextmanager
def acting(user: AnyUser | None, *, address: str = "", via: str = "admin") -> Iterator[None]:
    """Within it, what changes on this thread's connection was changed by `user`.

    Without a user, the request came from a visitor without a login.
    """
    is_known = user is not None and not isinstance(user, AnonymousUser)
    actor = {
        "id": user.pk if is_known and user else None,
        "name": user.get_username() if is_known and user else "",
        "address": address,
        "via": via,
    }
    with connection.execute_wrapper(_Naming(json.dumps(actor))):
        yield
    if connection.in_atomic_block and not connection.needs_rollback:
        # What goes on in this transaction is not of this user.
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('hub.actor', '', true)")


@contextmanager
def unaudited(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Within it, in a transaction, what the hub itself keeps in order is not in the audit log."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('hub.unaudited', 'on', true)")
        yield
        cursor.execute("SELECT set_config('hub.unaudited', '', true)")


class _Naming:
    """Tells PostgreSQL who acts, for the transaction of each statement that may change something.

    No longer: behind a PgBouncer the next transaction on a connection may be that of another user.
    """

    def __init__(self, actor: str):
        self._actor = actor

    def __call__(
        self, execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if _only_reads(sql):
            return execute(sql, params, many, context)
        with transaction.atomic() if connection.get_autocommit() else nullcontext():
            execute("SELECT set_config('hub.actor', %s, true)", [self._actor], False, context)
            return execute(sql, params, many, context)


def _only_reads(sql: str) -> bool:
    return sql.lstrip().upper().startswith(("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")) and (
        _NOTE not in sql
    )


def note(
    detail: str,
    *,
    model: type[Model] | Model,
    object_id: object = "",
    name: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    by: User | None = None,
) -> None:
    """Add to the audit log what changes no row that is audited: `detail`, as in “Ended a session”.

    `model` is what it was done to, or its kind; `by` the user for whom a worker does it. Nothing of
    it may be personal data of contacts.
    """
    if isinstance(model, Model):
        object_id = object_id or model.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_NOTE}('done', %s, %s, %s, %s, %s, %s, %s::integer, %s)",
            [
                model._meta.label_lower,
                str(object_id),
                name,
                _as_json(before),
                _as_json(after),
                detail,
                by.pk if by else None,
                by.get_username() if by else None,
            ],
        )


def forget_old_entries() -> None:
    """Delete what is older than AUDIT_KEPT_DAYS; nothing else may delete entries."""
    before = timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS)
    while True:
        old = AuditEntry.objects.filter(at__lt=before).order_by("at").values("pk")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('hub.forgets', 'audit', true)")
            count, _ = AuditEntry.objects.filter(pk__in=old[:_FORGOTTEN_AT_ONCE]).delete()
        if count < _FORGOTTEN_AT_ONCE:
            return


def _as_json(fields: dict[str, Any] | None) -> str | None:
    return None if fields is None else json.dumps(fields, cls=DjangoJSONEncoder)
