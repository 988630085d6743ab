"""What other contacts keep of the merges with a person who is erased: none, when it was undone."""

from collections.abc import Sequence

from django.db.models import QuerySet

from contacts.models import Contact, ContactChange, ContactMerge, MovedRows, UndoneMerge

_Source = ContactChange.Source


def forget_merges(merges: QuerySet[ContactMerge], records: Sequence[Contact]) -> None:
    """Forget what is kept of these merges, which are deleted next, as `records` are.

    A contact who stays was parted from them by an undo. What that one had got from them meanwhile
    stands in the log of its changes: there it is as if the merge had not been.
    """
    keys = list(merges.values_list("pk", flat=True))
    changes = ContactChange.objects.filter(merge__in=keys).exclude(contact__in=records)
    for change in changes.filter(source=_Source.MERGE).order_by("-pk"):
        _leave_out(change)
    # What an undo made different stays true, for whatever reason it was.
    changes.update(merge=None)
    for model in (MovedRows, UndoneMerge):
        rows = model.objects.filter(merge__in=keys)
        rows._raw_delete(rows.db)


def _leave_out(given: ContactChange) -> None:
    """Have the changes that followed begin with what was before this one."""
    waiting = dict(given.before)
    later = ContactChange.objects.filter(contact=given.contact_id, pk__gt=given.pk)
    for change in later.order_by("pk"):
        names = waiting.keys() & change.after.keys()
        if not names:
            continue
        change.before |= {name: waiting.pop(name) for name in names}
        same = [name for name in names if change.before[name] == change.after[name]]
        for name in same:
            del change.before[name], change.after[name]
        if change.after:
            change.save(update_fields=["before", "after"])
        else:
            change.delete()
    if waiting:
        # A field that still is as the merge left it: it was not known whose it is.
        given.before = waiting
        given.after = {name: given.after[name] for name in waiting}
        given.source, given.merge = _Source.UNDO, None
        given.save(update_fields=["before", "after", "source", "merge"])
    else:
        given.delete()
