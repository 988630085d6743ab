"""What load balancers and operators ask: is the process alive, and can the hub do its work."""

import logging
import os
from collections.abc import Callable
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from config.doorbell import BROKER_SECONDS, connect_to_broker
from config.logs import first_line
from database.reserved import Reserved
from web.answers import Answer, Scope
from web.hosts import is_hub_host
from web.requests import Request

logger = logging.getLogger(__name__)

OK = "ok"
LIVE_PATH = "/health/live"
_NOT_TO_KEEP = {
    "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
    "X-Content-Type-Options": "nosniff",
}
HEARTBEAT_SECONDS = 30


def answer_live(scope: Scope) -> Answer | None:
    """What the event loop answers to `GET /health/live`, while all threads may be busy.

    None leaves it to Django: another request, or one for a host that only the database may know.
    """
    if scope["path"] != LIVE_PATH or scope["method"] not in ("GET", "HEAD"):
        return None
    if not is_hub_host(Request.of_scope(scope, b"").host):
        return None
    return Answer.json({"status": OK}, headers=_NOT_TO_KEEP)


@never_cache
@require_GET
def live(request: HttpRequest) -> JsonResponse:
    """200 whenever this process answers requests."""
    return JsonResponse({"status": OK})


@never_cache
@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """200 if every part works, else 503; the reason of each part that does not."""
    parts: dict[str, str] = {}
    for name, check in CHECKS.items():
        # Each would wait for the database in its turn.
        is_in_vain = name in _IN_DATABASE and parts["database"] != OK
        parts[name] = _UNKNOWN if is_in_vain else _examine(name, check)
    is_ready = all(state == OK for state in parts.values())
    body = {"status": OK if is_ready else "not ready", **parts}
    answer = JsonResponse(body, status=200 if is_ready else 503)
    # By the checks, with the reason.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return answer


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        if settings.READ_ONLY:
            return OK
        try:
            cursor.execute(_WRITE)
        except Error as error:
            logger.error("The database takes no writes: %s", first_line(error))
            return "takes no writes"
    return OK


def check_migrations() -> str:
    # They cannot become unapplied again while this process runs.
    if not _seen_migrated:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return f"{len(missing)} to apply: manage.py migrate"
        _seen_migrated.append(True)
    return OK


def check_broker() -> str:
    with connect_to_broker(current_app) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
        for folder in _folders(broker.transport_options):
            if not os.access(folder, os.W_OK | os.X_OK):
                return "its folders are missing or not writable"
    return OK


def check_worker() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM now() - beaten_at)::float FROM config_heartbeat")
        found = cursor.fetchone()
    if found is None:
        return "no sign of a worker and a scheduler yet"
    (age,) = found
    return OK if age < HEARTBEAT_SECONDS else f"last sign of life {age:.0f} seconds ago"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "broker": check_broker,
    "migrations": check_migrations,
    "worker": check_worker,
}
_seen_migrated: list[bool] = []
_UNKNOWN = "only the database knows"
_IN_DATABASE = {"migrations", "worker"}
# This needs what every write needs: room for pages in a new file, and a commit that is logged. It
# leaves nothing behind, and waits for nobody's locks.
_WRITE = "CREATE TEMP TABLE throughline_write ON COMMIT DROP AS SELECT generate_series(1, 5000)"


def _folders(options: dict[str, Any]) -> list[str]:
    return [options[name] for name in ("data_folder_in", "control_folder") if name in options]


def _examine(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except Reserved as error:
        return str(error)
    except Exception as error:
        # Any kind: whatever a check of database, broker or files raises, the load balancer has to
        # be told that this part is not ready, and not get a 500.
        # The log has the details; they may hold addresses and names that are not for everybody.
        logger.error("The %s is not ready: %s", name, first_line(error))
        return "does not answer"
