"""How long the file of all that is known of one person takes, and how much memory.

DATA_DIR=… python -m benchmarks.accessing [activities]: makes one person with so many activities in
an empty hub, and prints a line of JSON. A process of its own makes the file, as a worker would.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

_ACTIVITIES = 100_000
_AT_ONCE = 5_000


def fill(activities: int) -> int:
    """Make the tables, and a person who did so much; the id of the contact."""
    from datetime import timedelta  # noqa: PLC0415 -- these after the settings
    from uuid import uuid4  # noqa: PLC0415

    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from activities.models import Activity, ActivityType  # noqa: PLC0415
    from channels.models import Channel  # noqa: PLC0415
    from contacts.models import Contact  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    channel, _ = Channel.objects.get_or_create(code_name="benchmark", defaults={"name": "Website"})
    visit = ActivityType.objects.get(code_name="pagevisit")
    person = Contact.objects.create(first_name="Ann", last_name="Archer")
    now = timezone.now()
    rows = (
        Activity(
            contact=person,
            channel=channel,
            type=visit,
            title=f"Page visit 'Loans {number}'",
            value=f"Loans {number}",
            url=f"https://www.example.com/loans?utm_source=news&id={number}",
            referrer="https://www.example.org/",
            properties={"amount": number, "device": {"timezone": "Europe/Vienna"}},
            occurred_at=now - timedelta(minutes=number),
            recorded_at=now - timedelta(minutes=number),
            logged_as=person.guid,
            request_id=uuid4(),
        )
        for number in range(activities)
    )
    Activity.objects.bulk_create(rows, batch_size=_AT_ONCE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return person.pk


def make(contact_id: int) -> dict[str, object]:
    """Make the file, and say what that took."""
    from contacts.models import Contact  # noqa: PLC0415
    from privacy.access.asking import make_access_file  # noqa: PLC0415
    from privacy.access.making import make_files  # noqa: PLC0415
    from privacy.models.disclosures import AccessFile  # noqa: PLC0415

    before = _peak()
    begun = time.perf_counter()
    file = make_access_file(Contact.objects.get(pk=contact_id), AccessFile.Kind.ACCESS)
    make_files([file.pk])
    seconds = time.perf_counter() - begun
    file.refresh_from_db()
    return {
        "status": file.status,
        "rows": file.rows,
        "seconds": round(seconds, 1),
        "seconds of this process": round(time.process_time(), 1),
        "megabytes of file": round((file.size or 0) / 1e6, 1),
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
    """Make a person and the file of them; 1 if it could not be made."""
    _set_up()
    if sys.argv[1:2] == ["make"]:
        found = make(int(sys.argv[2]))
        sys.stdout.write(f"{json.dumps(found)}\n")
        return 0 if found["status"] == "ready" else 1
    contact_id = fill(int(sys.argv[1]) if len(sys.argv) > 1 else _ACTIVITIES)
    command = [sys.executable, "-m", "benchmarks.accessing", "make", str(contact_id)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 -- of our own


if __name__ == "__main__":
    sys.exit(main())
