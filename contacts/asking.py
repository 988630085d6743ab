"""Asking for merges of many pairs at once, as imports do; what becomes of them, rules decide."""

from collections.abc import Collection

from django.contrib.auth.models import User

from contacts.apart import pairs_kept_apart
from contacts.merging import choose_survivor, have_different_emails
from contacts.models import Contact, ContactMerge
from database.lookups import Among
from jobs.tasks import ring

_Status = ContactMerge.Status


def ask_for_merges(
    pairs: Collection[tuple[int, int]], *, import_id: int, by: User | None = None
) -> int:
    """Ask for these pairs of live, locked contacts to become one; return how many are asked for.

    Two with different emails wait for a user's decision. A pair that is kept apart, or that was
    asked for already, is left out.
    """
    contacts = Contact.objects.in_bulk({one for pair in pairs for one in pair})
    live = {pk for pk, contact in contacts.items() if contact.merged_into_id is None}
    asked = {frozenset(pair) for pair in pairs if live.issuperset(pair)}
    open_merges = ContactMerge.objects.open().filter(Among("survivor", live))
    known = {frozenset(pair) for pair in open_merges.values_list("survivor_id", "loser_id")}
    new = asked - known - pairs_kept_apart(live)
    merges = []
    for one, other in sorted(sorted(pair) for pair in new):
        survivor, loser = choose_survivor(contacts[one], contacts[other])
        is_open = have_different_emails(survivor, loser)
        merges.append(
            ContactMerge(
                survivor=survivor,
                loser=loser,
                reason=ContactMerge.Reason.IMPORT,
                status=_Status.REVIEW if is_open else _Status.PENDING,
                requested_by=by,
                import_id=import_id,
            )
        )
    ContactMerge.objects.bulk_create(merges, ignore_conflicts=True)  # one_open_merge_per_pair
    if any(merge.status == _Status.PENDING for merge in merges):
        ring("merges")
    return len(merges)
