"""How long the export of very many contacts takes, and how much memory.

DATA_DIR=… python -m benchmarks.exporting [contacts]: fills an empty hub, and prints a line of JSON
for each format. A process of its own makes each file, as a worker would.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

_CONTACTS = 500_000
_FORMATS = ("csv", "xlsx", "ndjson", "parquet")


def fill(contacts: int) -> None:
    """Make the tables, so many contacts, and the user who exports them."""
    from django.contrib.auth.models import User  # noqa: PLC0415 -- after the settings
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from contacts.sample_data import Period, write_contacts  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    period = Period(datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    for _ in write_contacts(contacts, period):
        pass
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    User.objects.get_or_create(
        username="benchmark", defaults={"is_staff": True, "is_superuser": True}
    )


def export(form: str) -> dict[str, object]:
    """Have all contacts exported with all columns, and say what that took."""
    from django.contrib.auth.models import User  # noqa: PLC0415

    from contacts.models import Contact  # noqa: PLC0415
    from exchange.exporting.making import ask_for_export, go_on  # noqa: PLC0415
    from exchange.exporting.sources import fields_for  # noqa: PLC0415

    user = User.objects.get(username="benchmark")
    names = [one.name for one in fields_for(Contact, user, "")]
    before = _peak()
    begun = time.perf_counter()
    made = ask_for_export(Contact, query="", form=form, columns=names, options={}, by=user)
    gathered = 0.0
    while made.status == made.Status.WAITING:
        go_on([made.pk])
        made.refresh_from_db()
        if made.gathered_at and not gathered:
            gathered = time.perf_counter() - begun
    return {
        "format": form,
        "status": made.status,
        "rows": made.found,
        "columns": len(names),
        "seconds": round(time.perf_counter() - begun, 1),
        "of which gathering": round(gathered, 1),
        "megabytes of file": round(made.size / 1e6, 1),
        "MiB of memory at most": round(_peak()),
        "MiB before": round(before),
    }


def _peak() -> float:
    """The most memory that this process had, in MiB; `getrusage` tells its parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415

    django.setup()


def main() -> int:
    """Fill a hub and export its contacts in each format; 1 if one could not be made."""
    if sys.argv[1:2] == ["export"]:
        _set_up()
        found = export(sys.argv[2])
        sys.stdout.write(f"{json.dumps(found)}\n")
        return 0 if found["status"] == "done" else 1
    _set_up()
    fill(int(sys.argv[1]) if len(sys.argv) > 1 else _CONTACTS)
    commands = [[sys.executable, "-m", "benchmarks.exporting", "export", form] for form in _FORMATS]
    return max(subprocess.run(one, check=False).returncode for one in commands)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
