"""What workers do for destinations."""

from datetime import timedelta

from celery.signals import worker_process_shutdown, worker_shutdown
from django.db.models import Q

from destinations.deleting import JOB as DELETING
from destinations.deleting import delete_portions
from destinations.erasing import give_up_old_requests
from destinations.kinds.files import finish_files
from destinations.models import Queue
from destinations.notices import tell_of_pauses
from destinations.queues import JOB, LEASE, find_work
from destinations.serving import finish, start
from jobs.declaring import Job, declare, declare_periodic

DELIVERIES = declare(
    Job(
        name=JOB,
        model=Queue,
        waiting=Q(has_work=True),
        do=start,
        prepare=find_work,
        shown_by="destination",
        queue="deliveries",
        lease=LEASE.total_seconds(),
    )
)
DELETIONS = declare(
    Job(
        name=DELETING,
        model=Queue,
        waiting=Q(destination__deleted_at__isnull=False),
        do=delete_portions,
        # The next portion need not wait for those of another destination.
        batch=1,
    )
)

declare_periodic("tell of paused destinations", tell_of_pauses, every=timedelta(seconds=30))
# Parquet of an hour is there soon after it.
declare_periodic("finish files of destinations", finish_files, every=timedelta(minutes=5))
declare_periodic("give up old requests to delete", give_up_old_requests, every=timedelta(hours=1))


@worker_shutdown.connect
@worker_process_shutdown.connect
def _finish(**_) -> None:
    finish()
