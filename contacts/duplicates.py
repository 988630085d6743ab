"""Looking for contacts who may be one person: pairs are held until a user decides.

Each reason is one statement over all contacts; what it finds is little. What many contacts share,
such as the phone of a company or the email of an office, says nothing about one person.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import batched, chain, combinations
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from contacts.apart import pairs_kept_apart
from contacts.merging import choose_survivor, lock_all_live
from contacts.models import Contact, ContactMerge, DuplicateSearch
from contacts.similar_emails import ALIASES, ROLES, are_similar
from database.cursors import array_of
from jobs.tasks import ring
from jobs.working import stopping

_Reason, _Status = ContactMerge.Reason, DuplicateSearch.Status
# So many contacts may share something for it to say that they are one.
_MOST_SHARING = 5
# Pairs that one search holds for a reason: so many a user can decide about until the next one.
MOST_PAIRS = 1_000
_LOCKED_AT_ONCE = 200
# A pair that was suggested before is not suggested again, whatever became of it.
_NEW = """
SELECT one.id, other.id FROM shared
JOIN contacts_contact AS one ON one.id = ids[1]
JOIN contacts_contact AS other ON other.id = ANY(ids[2:])
WHERE NOT EXISTS (
    SELECT FROM contacts_contactmerge AS known WHERE known.status <> 'done' AND (
        (known.survivor_id = one.id AND known.loser_id = other.id)
        OR (known.survivor_id = other.id AND known.loser_id = one.id)
    )
)
ORDER BY other.id DESC LIMIT %(most)s
"""
# The contact with an email survives, else the older one.
_IDS = "array_agg(DISTINCT id ORDER BY id)"
# The end of a number is the same with and without a country's and a city's prefix: nine digits, or
# all of a shorter one. One digit again and again is no number.
_SAME_PHONE = f"""
WITH phone AS (
    SELECT id, right(regexp_replace(number, '\\D', '', 'g'), 9) AS key
    FROM contacts_contact, unnest(ARRAY[mobile_phone, business_phone]) AS number
    WHERE merged_into_id IS NULL AND number <> ''
), shared AS (
    SELECT {_IDS} AS ids FROM phone WHERE length(key) >= 7 AND key !~ '^(.)\\1*$'
    GROUP BY key HAVING count(DISTINCT id) BETWEEN 2 AND {_MOST_SHARING}
)
{_NEW}
"""  # noqa: S608 -- of texts of our own
_SAME_NAME = f"""
WITH shared AS (
    SELECT {_IDS} AS ids FROM contacts_contact
    WHERE merged_into_id IS NULL AND first_name <> '' AND last_name <> '' AND company_name <> ''
    GROUP BY throughline_fold(normalize(btrim(first_name), NFC)),
        throughline_fold(normalize(btrim(last_name), NFC)),
        regexp_replace(
            throughline_fold(normalize(company_name, NFC)), '[[:space:][:punct:]]+', '', 'g'
        )
    HAVING count(*) BETWEEN 2 AND {_MOST_SHARING}
)
{_NEW}
"""  # noqa: S608 -- of texts of our own
# Two domains of which one has a letter more, less or other than the other, or two letters swapped,
# are the same if one letter of each is left out. Which of those that this finds are similar is
# looked at afterwards.
_SIMILAR_EMAIL = """
WITH mail AS MATERIALIZED (
    SELECT id, replace(split_part(substring(email_key FROM '^(.*)@'), '+', 1), '.', '') AS local,
        substring(email_key FROM '@([^@]*)$') AS domain
    FROM contacts_contact WHERE merged_into_id IS NULL AND NOT email_key = ''
), named AS (
    SELECT local FROM mail WHERE length(local) >= 3 AND local <> ALL(%(roles)s::text[])
    GROUP BY local HAVING count(*) BETWEEN 2 AND 50
), spelled AS (
    SELECT id, local,
        CASE place WHEN 0 THEN domain ELSE left(domain, place - 1) || substr(domain, place + 1)
        END AS domain
    FROM mail JOIN named USING (local), generate_series(0, length(domain)) AS place
    UNION ALL
    SELECT id, local, alias.domain FROM mail JOIN named USING (local)
    JOIN unnest(%(aliases)s::text[], %(domains)s::text[]) AS alias (name, domain)
        ON alias.name = mail.domain
)
SELECT array_agg(DISTINCT id ORDER BY id) FROM spelled GROUP BY local, domain
HAVING count(DISTINCT id) BETWEEN 2 AND 5
ORDER BY max(id) DESC LIMIT 50000
"""

type Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class Look:
    """One reason for which contacts may be one, and how pairs of them are found."""

    reason: ContactMerge.Reason
    find: Callable[[], Pairs]


def request_search(by: User | None = None) -> DuplicateSearch:
    """Have a worker look for duplicates; one that waits already is the same."""
    try:
        with transaction.atomic():
            search = DuplicateSearch.objects.create(requested_by=by)
    except IntegrityError:  # one_search_for_duplicates_waits
        waiting = DuplicateSearch.objects.filter(status=_Status.WAITING)
        # A worker may have begun just now.
        search = waiting.first() or DuplicateSearch.objects.latest("pk")
    ring("duplicates")
    return search


def cancel_search(search: DuplicateSearch) -> bool:
    """Give up a search; return whether it was not over yet. Pairs that it has held stay."""
    going_on = _going_on().filter(pk=search.pk)
    return bool(going_on.update(status=_Status.CANCELLED, finished_at=timezone.now()))


def search_for_duplicates(keys: Collection[int]) -> None:
    """Carry out these searches, reason by reason, as long as nobody cancels them."""
    for key in keys:
        _going_on().filter(pk=key, started_at=None).update(
            status=_Status.RUNNING, started_at=timezone.now()
        )
        for look in LOOKS:
            search = _going_on().filter(pk=key).first()
            if search is None or stopping.is_set():
                break
            if look.reason not in search.found:
                held = hold_pairs(look.find(), look.reason, by=search.requested_by)
                _note(key, look.reason, held)
        else:
            done = _going_on().filter(pk=key)
            done.update(status=_Status.DONE, finished_at=timezone.now())


def _note(key: int, reason: ContactMerge.Reason, held: int) -> None:
    # If two workers search, the one that comes second finds nothing new.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_duplicatesearch SET found = jsonb_build_object(%s, %s) || found"
            " WHERE id = %s",
            [reason.value, held, key],
        )


def hold_pairs(pairs: Pairs, reason: ContactMerge.Reason, *, by: User | None) -> int:
    """Hold these pairs of live contacts for a decision; return how many were not known before."""
    held = 0
    for chunk in batched(pairs, _LOCKED_AT_ONCE):
        with transaction.atomic():
            live = lock_all_live({one for pair in chunk for one in pair})
            # Who was merged or erased since is somebody else, or nobody.
            current = [pair for pair in chunk if all(_is_live(live, one) for one in pair)]
            apart = pairs_kept_apart({one for pair in current for one in pair})
            merges = [
                ContactMerge(
                    survivor=survivor,
                    loser=loser,
                    reason=reason,
                    status=ContactMerge.Status.REVIEW,
                    requested_by=by,
                )
                for one, other in current
                if frozenset((one, other)) not in apart
                for survivor, loser in [choose_survivor(live[one], live[other])]
            ]
            known = ContactMerge.objects.open().filter(
                Q(survivor__in=live.values()) | Q(loser__in=live.values())
            )
            open_pairs = {frozenset(pair) for pair in known.values_list("survivor_id", "loser_id")}
            merges = [
                merge
                for merge in merges
                if frozenset((merge.survivor_id, merge.loser_id)) not in open_pairs
            ]
            ContactMerge.objects.bulk_create(merges, ignore_conflicts=True)
            held += len(merges)
    return held


def _is_live(live: Mapping[int, Contact], contact_id: int) -> bool:
    return contact_id in live and live[contact_id].pk == contact_id


def _going_on() -> Any:
    return DuplicateSearch.objects.filter(status__in=[_Status.WAITING, _Status.RUNNING])


def _find(sql: str) -> Callable[[], Pairs]:
    def find() -> Pairs:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"most": MOST_PAIRS})
            return cursor.fetchall()

    return find


def _find_similar_emails() -> Pairs:
    with connection.cursor() as cursor:
        names, domains = list(ALIASES), list(ALIASES.values())
        params = {"roles": list(ROLES), "aliases": names, "domains": domains}
        cursor.execute(_SIMILAR_EMAIL, params)
        groups = [ids for (ids,) in cursor.fetchall()]
    found: dict[tuple[int, int], None] = {}
    for some in batched(groups, 1_000):
        emails = _emails_of({one for ids in some for one in ids})
        for one, other in chain.from_iterable(combinations(ids, 2) for ids in some):
            # One of them may have been erased just now.
            if are_similar(emails.get(one, ""), emails.get(other, "")):
                found[one, other] = None
    return _new(found)[:MOST_PAIRS]


def _emails_of(contact_ids: Collection[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, email_key FROM contacts_contact WHERE id = ANY(%s::bigint[])",
            [array_of(contact_ids)],
        )
        return dict(cursor.fetchall())


def _new(pairs: Iterable[tuple[int, int]]) -> Pairs:
    """Those that were not suggested before, in this order."""
    pairs = list(pairs)
    known: set[frozenset[int]] = set()
    for some in batched(pairs, 5_000):
        ids = {one for pair in some for one in pair}
        merges = ContactMerge.objects.exclude(status=ContactMerge.Status.DONE)
        rows = merges.filter(survivor__in=ids).values_list("survivor_id", "loser_id")
        known |= {frozenset(row) for row in rows}
    return [pair for pair in pairs if frozenset(pair) not in known]


LOOKS = (
    Look(_Reason.SAME_PHONE, _find(_SAME_PHONE)),
    Look(_Reason.SAME_NAME, _find(_SAME_NAME)),
    Look(_Reason.SIMILAR_EMAIL, _find_similar_emails),
)
