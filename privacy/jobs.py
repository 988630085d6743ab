"""What privacy has workers do."""

from datetime import timedelta

from django.db.models import Q

from jobs.declaring import Job, declare, declare_periodic
from privacy.access import asking
from privacy.access.making import forget_old_files, make_files
from privacy.generated.looking import LOOKS, look_at_types
from privacy.models import RetentionRun
from privacy.models.disclosures import AccessFile
from privacy.retention.rules import CHORE, JOB, start_all
from privacy.retention.running import go_on

ACCESS_FILES = declare(
    Job(
        name=asking.JOB,
        model=AccessFile,
        waiting=Q(status=AccessFile.Status.WAITING),
        do=make_files,
        # One takes seconds, and says itself that it goes on.
        batch=1,
        lease=120.0,
    )
)
declare_periodic("forget old access files", forget_old_files, every=timedelta(hours=1))

RETENTION = declare(
    Job(
        name=JOB,
        model=RetentionRun,
        waiting=Q(status=RetentionRun.Status.WAITING),
        do=go_on,
        queue="builds",
        batch=1,
        # The erasure of one contact with very many activities may take minutes.
        lease=600.0,
    )
)

declare_periodic(CHORE, start_all, every=timedelta(days=1))
declare_periodic(LOOKS, look_at_types, every=timedelta(hours=1))
