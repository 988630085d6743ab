"""What workers do for contacts."""

from datetime import timedelta

from django.db.models import Q

from contacts.duplicates import request_search, search_for_duplicates
from contacts.erasures import JOB, go_on
from contacts.merging import carry_out_merges, settle_merges
from contacts.models import ContactMerge, DuplicateSearch, Erasure, UndoneMerge
from contacts.touching import forget_what_was_read
from contacts.undoing import settle_undone
from jobs.declaring import Job, declare, declare_periodic

MERGES = declare(
    Job(
        name="merges",
        model=ContactMerge,
        waiting=Q(status=ContactMerge.Status.PENDING),
        do=carry_out_merges,
        queue="merging",
    )
)
SETTLING = declare(
    Job(
        name="settling",
        model=ContactMerge,
        waiting=Q(status=ContactMerge.Status.DONE, is_settled=False),
        do=settle_merges,
        queue="merging",
    )
)
UNDONE = declare(
    Job(
        name="undone merges",
        model=UndoneMerge,
        waiting=Q(is_settled=False),
        do=settle_undone,
        shown_by="merge",
        queue="merging",
    )
)
DUPLICATES = declare(
    Job(
        name="duplicates",
        model=DuplicateSearch,
        waiting=Q(status__in=[DuplicateSearch.Status.WAITING, DuplicateSearch.Status.RUNNING]),
        do=search_for_duplicates,
        queue="builds",
        batch=1,
        # It reads all contacts, several times.
        lease=900.0,
    )
)
ERASURES = declare(
    Job(
        name=JOB,
        model=Erasure,
        waiting=Q(finished_at__isnull=True),
        do=go_on,
        queue="builds",
        batch=1,
    )
)

declare_periodic("look for duplicates", request_search, every=timedelta(days=7))
declare_periodic("forget old touched contacts", forget_what_was_read, every=timedelta(hours=1))
