"""What becomes of counted people when contacts are merged, touched or erased."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone
from pyroaring import BitMap64

from contacts.erasing_texts import patterns_of, texts_of
from contacts.erasures import Erased
from contacts.models import Contact, ContactMerge, Touched
from contacts.records import label_of
from figures import people
from figures.counts import fold_counts, forget_counts
from figures.models import Count, PeopleSeen
from figures.people import Appearances, Seen
from figures.times import KEPT_DAYS, Times, at_hour, start_of_quarters
from readers.reading import declared_readers, hold

READER = "figures"
# Activities may be a little older than the contact that was made for them.
_EARLIER = timedelta(days=1)
_FOLDED = timedelta(days=8)

_APPEARANCES = """
SELECT DISTINCT contact_id, extract(epoch FROM date_bin('15 minutes', occurred_at, 'epoch'))::float8
FROM activities_activity WHERE contact_id = ANY(%s)
"""
# What people make up stands in the keys of these alone.
_WITH_ADDRESSES = "kind IN ('page', 'referrer', 'campaign')"
_FORGET_KEYS = f"""
WITH gone AS (
    DELETE FROM figures_count WHERE {_WITH_ADDRESSES} AND key ~* %(pattern)s
    RETURNING kind, at, count
), among_others AS (
    INSERT INTO figures_count AS old (kind, at, key, count)
    SELECT kind, at, '', sum(count) FROM gone GROUP BY kind, at ORDER BY kind, at
    ON CONFLICT (kind, at, key) DO UPDATE SET count = old.count + excluded.count
)
SELECT count(*) FROM gone
"""  # noqa: S608 -- of a text of our own


def follow_merges(ids: list[int]) -> None:
    """Count the contacts that were merged as those that they have become."""
    merges = ContactMerge.objects.filter(pk__in=ids).select_related("loser", "survivor")
    survivors = _survivors_of(merges)
    if not survivors:
        return
    since = min(merge.loser.created_at for merge in merges) - _EARLIER
    people.name((), survivors)
    losers = people.were_seen(survivors)
    if not losers:
        return
    before = people.were_seen(survivors.values())
    people.mark_seen([survivors[loser] for loser in losers])
    rows = list(people.read_seen(at_hour(since)))
    people.write(_replaced(rows, {loser: survivors[loser] for loser in losers}, before))


def _survivors_of(merges: Iterable[ContactMerge]) -> dict[int, int]:
    """Who these contacts have become, by who was merged; also if that one was merged, too."""
    survivors = {
        merge.loser_id: merge.survivor.merged_into_id or merge.survivor_id for merge in merges
    }
    for loser, survivor in survivors.items():
        # Each contact is merged once, so that comes to an end.
        while survivor in survivors:
            survivor = survivors[survivor]
        survivors[loser] = survivor
    return survivors


def _replaced(rows: Sequence[Seen], survivors: Mapping[int, int], before: set[int]) -> list[Seen]:
    """Those of `rows`, which are in the order of time, that are different with these replaced.

    `before` are survivors who were seen before the merge, in `rows` or earlier.
    """
    losers, everybody = BitMap64(survivors), BitMap64([*survivors, *survivors.values()])
    firsts: dict[int, list[int]] = defaultdict(list)
    own = set()
    for number, row in enumerate(rows):
        for pk in row.new & everybody:
            firsts[survivors.get(pk, pk)].append(number)
            if pk not in survivors:
                own.add(pk)
    new_at: dict[int, list[int]] = defaultdict(list)
    for pk, numbers in firsts.items():
        # One who was new before these rows is not new in them.
        if pk in own or pk not in before:
            new_at[numbers[0]].append(pk)
    changed = []
    for number, row in enumerate(rows):
        gone = row.seen & losers
        seen = (row.seen - gone) | BitMap64(survivors[pk] for pk in gone)
        new = (row.new - everybody) | BitMap64(new_at[number])
        if seen != row.seen or new != row.new:
            changed.append(Seen(row.at, seen, new))
    return changed


def look_again(ids: list[int]) -> None:
    """Look at the activities of contacts of whom some were deleted or moved.

    Whose activities were deleted for their age is new where they were new, as far as something of
    that time is left, and nowhere else.
    """
    touched = Touched.objects.filter(pk__in=ids)
    moved = set(touched.filter(aged=False).values_list("contact", flat=True))
    contacts = Contact.objects.filter(pk__in=touched.values("contact"))
    contact_ids = list(contacts.values_list("pk", flat=True))
    if not contact_ids:
        return
    times, appearances = Times(timezone.now()), Appearances()
    first: dict[int, float] = {}
    with connection.cursor() as cursor:
        cursor.execute(_APPEARANCES, [contact_ids])
        for contact_id, seconds in cursor:
            first[contact_id] = min(seconds, first.get(contact_id, seconds))
            if (at := times.of(seconds)) is not None:
                appearances.seen[at].add(contact_id)
    since = at_hour(contacts.aggregate(oldest=Min("created_at"))["oldest"] - _EARLIER)
    for contact_id, second in _new_among(BitMap64(first.keys() - moved), since).items():
        if contact_id in appearances.seen.get(second, ()):
            appearances.new[second].add(contact_id)
    for contact_id in moved & first.keys():
        if (at := times.of(first[contact_id])) is not None:
            appearances.new[at].add(contact_id)
    _take_out(contact_ids, since)
    people.add(appearances)
    people.mark_seen(first)


def _new_among(contacts: BitMap64, since: datetime) -> dict[int, int]:
    """The second at which each of these contacts was new, if that was from `since` on."""
    if not contacts:
        return {}
    rows = people.read_seen(since)
    return {pk: int(row.at.timestamp()) for row in rows for pk in row.new & contacts}


def forget(records: Sequence[Contact]) -> None:
    """Take these contacts, who are being erased, out of the people who were counted.

    How often something happened stays as it was counted: that names nobody.
    """
    reader = declared_readers().get(READER)
    if reader is None:
        return
    hold(reader)
    ids = [contact.pk for contact in records]
    people.forget_people(ids)
    _take_out(ids, timezone.now() - timedelta(days=KEPT_DAYS + 1))


def forget_keys(erased: Erased) -> dict[str, int]:
    """Count what was counted under an address that names the person among the others."""
    count = 0
    keys = texts_of(Count._meta.db_table, "DISTINCT key", _WITH_ADDRESSES)
    for pattern in patterns_of(erased, keys):
        with connection.cursor() as cursor:
            cursor.execute(_FORGET_KEYS, {"pattern": pattern})
            count += cursor.fetchone()[0]
    return {label_of(Count): count}


def _take_out(contact_ids: Iterable[int], since: datetime) -> None:
    gone = BitMap64(contact_ids)
    people.write(
        Seen(row.at, row.seen - gone, row.new - gone)
        for row in people.read_seen(since)
        if row.seen.intersect(gone) or row.new.intersect(gone)
    )


@transaction.atomic
def tidy(now: datetime | None = None) -> int:
    """Keep older counts by the hour, and forget the oldest; the number of rows that are gone."""
    hold(declared_readers()[READER])
    fold_counts(now)
    _fold_people(now or timezone.now())
    oldest = (now or timezone.now()) - timedelta(days=KEPT_DAYS)
    return forget_counts(now) + PeopleSeen.objects.filter(at__lt=oldest).delete()[0]


def _fold_people(now: datetime) -> None:
    until = start_of_quarters(now)
    by_hour: dict[datetime, list[Seen]] = defaultdict(list)
    for row in people.read_seen(until - _FOLDED, until):
        by_hour[at_hour(row.at)].append(row)
    quarters = {hour: rows for hour, rows in by_hour.items() if [hour] != [row.at for row in rows]}
    people.write(
        Seen(hour, people.union_of(r.seen for r in rows), people.union_of(r.new for r in rows))
        for hour, rows in quarters.items()
    )
    gone = [row.at for hour, rows in quarters.items() for row in rows if row.at != hour]
    PeopleSeen.objects.filter(at__in=gone).delete()
