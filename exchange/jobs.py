"""What workers do for files that come in and go out."""

from datetime import timedelta

from django.db.models import Q

from exchange.exporting import making
from exchange.exporting.forgetting import delete_old_files
from exchange.importing import acting
from exchange.importing.files import forget_old_files
from exchange.models import Export, Import
from jobs.declaring import Job, declare, declare_periodic

EXPORTS = declare(
    Job(
        name=making.JOB,
        model=Export,
        waiting=Q(status=Export.Status.WAITING),
        do=making.go_on,
        # To finish a large file takes minutes, and nothing else is to wait for it.
        queue="exports",
        # The next export need not wait for all of this one.
        batch=1,
    )
)
IMPORTS = declare(
    Job(
        name=acting.JOB,
        model=Import,
        waiting=Q(status__in=Import.GOING_ON),
        do=acting.go_on,
        queue="imports",
        # The next import need not wait for all of this one.
        batch=1,
    )
)

declare_periodic("forget old files of imports", forget_old_files, every=timedelta(hours=1))
declare_periodic("delete old exports", delete_old_files, every=timedelta(minutes=5))
