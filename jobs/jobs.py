"""The jobs of doing what comes round, and what users ask for all rows of a list."""

from django.db.models import Q

from jobs import acting
from jobs.chores import do_chores, make_chores
from jobs.declaring import Job, declare
from jobs.models import BulkAction, Chore

# One at a time, and no worker takes up what another one has been at for less than ten minutes.
CHORES = declare(
    Job(
        name="chores",
        model=Chore,
        waiting=Q(),
        do=do_chores,
        prepare=make_chores,
        batch=1,
        lease=600.0,
    )
)
BULK_ACTIONS = declare(
    Job(
        name=acting.JOB,
        model=BulkAction,
        waiting=Q(status=BulkAction.Status.WAITING),
        do=acting.go_on,
        # A part is one transaction, and the next action need not wait for all of this one.
        batch=1,
    )
)
