"""What is measured of deliveries inside of Django, as `staging` is: in a `manage.py shell`."""

import json
import resource
import sys
import time
from uuid import uuid4

from django.db import connection
from django.test import override_settings

from benchmarks.hub import BenchmarkFailed
from destinations.jobs import DELIVERIES
from destinations.models import Destination
from destinations.saving import save_destination
from destinations.serving import finish
from jobs.working import work_off

# Behind each destination that does not answer so many messages wait.
_WAITING = 1_000
_SECONDS_BETWEEN_LOOKS = 0.02
_SECONDS_TO_FINISH = 300
_NAME = "benchmark-"
_PAYLOAD = {
    "type": "activity",
    "timestamp": "2026-11-29T08:00:00+00:00",
    "contact": {"guid": str(uuid4()), "email": "ada@example.com", "first_name": "Ada"},
    "data": {"type": "purchase", "title": "Purchase", "value": "49.90", "url": "https://shop/"},
}
_ADD = """
INSERT INTO destinations_delivery (destination_id, message_id, kind, source, payload,
    contact_fields, status, reason, occurred_at, created_at, due_at, attempts, answer, last_error)
SELECT %s, gen_random_uuid(), 'activity', 'activity:' || gen_random_uuid(), %s::jsonb,
    '[]', 'waiting', '', now(), now(), now(), 0, '', ''
FROM generate_series(1, %s)
"""


def measure(count: int, rounds: int, quick: int, dripping: int, silent: int) -> None:
    """Print, as JSON, how many deliveries a second go out to the system at the port `quick`.

    In each round it is measured alone, and beside one that answers a byte a second, and one that
    does not answer. `worker` is the processor time of this process for one delivery, in µs.
    """
    neighbours = {"alone": None, "dripping": dripping, "silent": silent}
    found: dict[str, list[float]] = {name: [] for name in (*neighbours, "worker")}
    with override_settings(DESTINATION_ALLOWED_NETWORKS=["127.0.0.0/8"]):
        _drain(count // 10, quick, None)  # until statements are prepared and connections are there
        for _ in range(rounds):
            for name, port in neighbours.items():
                speed, seconds = _drain(count, quick, port)
                found[name].append(speed)
                if name == "alone":
                    found["worker"].append(1e6 * seconds / count)
    sys.stdout.write(json.dumps(found))


def _drain(count: int, quick: int, neighbour: int | None) -> tuple[float, float]:
    """Deliveries a second of so many, and the processor seconds that this process took."""
    if neighbour is not None:
        _add(_destination(neighbour), _WAITING)
    destination = _destination(quick)
    _add(destination, count)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE destinations_delivery")
    used, began = _processor_seconds(), time.perf_counter()
    work_off(DELIVERIES)
    waiting = destination.deliveries.filter(status="waiting")
    while waiting.exists():
        if time.perf_counter() - began > _SECONDS_TO_FINISH:
            raise BenchmarkFailed(f"{waiting.count()} of {count} deliveries still wait.")
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    seconds = time.perf_counter() - began
    used = _processor_seconds() - used
    finish()
    if missing := destination.deliveries.exclude(status="delivered").count():
        raise BenchmarkFailed(f"{missing} of {count} deliveries did not arrive.")
    _remove_all()
    return count / seconds, used


def _destination(port: int) -> Destination:
    name = f"{_NAME}{uuid4().hex}"
    destination = Destination(
        code_name=name, name=name, enabled=True, url=f"http://127.0.0.1:{port}/hook"
    )
    save_destination(destination)
    return destination


def _add(destination: Destination, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [destination.pk, json.dumps(_PAYLOAD), count])


def _remove_all() -> None:
    """Remove what was made here; by Django every row would be read."""
    mine = f"SELECT id FROM destinations_destination WHERE code_name LIKE '{_NAME}%'"
    with connection.cursor() as cursor:
        for table in ("delivery", "queue"):
            cursor.execute(f"DELETE FROM destinations_{table} WHERE destination_id IN ({mine})")
    Destination.objects.filter(code_name__startswith=_NAME).delete()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
