"""What workers do, done at once."""

from django.db.models.functions import Now

from activities.jobs import DATA_INPUTS
from contacts.jobs import MERGES, SETTLING
from jobs.working import work_off


def do_data_inputs():
    """Apply what waits, also what waits for its next attempt."""
    _do(DATA_INPUTS)


def do_merges():
    """Carry out and settle the merges that wait."""
    _do(MERGES)
    _do(SETTLING)


def _do(job):
    job.model.objects.filter(job.waiting).update(due_at=Now())
    work_off(job)
