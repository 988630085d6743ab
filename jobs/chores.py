"""Work that comes round: a row says when each is due, so it is a job like any other."""

from collections.abc import Collection

from django.db.models.functions import Now

from jobs.declaring import periodic
from jobs.models import Chore


def do_chores(keys: Collection[int]) -> None:
    """Do this work, and say when it is due again."""
    for chore in Chore.objects.filter(pk__in=keys):
        declared = periodic.get(chore.name)
        if declared is None:  # of another version
            chore.delete()
            continue
        declared.do()
        Chore.objects.filter(pk=chore.pk).update(
            due_at=Now() + declared.every, done_at=Now(), attempts=0, last_error=""
        )


def make_chores() -> None:
    """Make the rows of work that was declared since."""
    missing = periodic.keys() - set(Chore.objects.values_list("name", flat=True))
    Chore.objects.bulk_create([Chore(name=name) for name in missing], ignore_conflicts=True)
