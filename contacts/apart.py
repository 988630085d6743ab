"""Contacts whom users keep apart: a merge was dismissed, or undone. Only a user merges them again.

A contact that becomes one with either of them is kept apart from the other, too.
"""

from collections.abc import Collection

from database.cursors import array_of
from database.questions import Question, ask

# From the contacts to those that were merged into them, since a decision names who was live then.
_APART = """
WITH RECURSIVE line (live, id) AS (
    SELECT id, id FROM unnest(%s::bigint[]) AS asked (id)
    UNION
    SELECT line.live, merged.id FROM line
    JOIN contacts_contact AS merged ON merged.merged_into_id = line.id
)
SELECT DISTINCT one.live, other.live FROM line AS one
JOIN contacts_contactmerge AS merge ON merge.survivor_id = one.id
    AND merge.status IN ('dismissed', 'undone')
JOIN line AS other ON other.id = merge.loser_id AND other.live <> one.live
"""

type Pairs = set[frozenset[int]]


def pairs_kept_apart(contact_ids: Collection[int]) -> Pairs:
    """Which two of these live contacts are kept apart; one query."""
    if len(contact_ids) < 2:
        return set()
    (pairs,) = ask(
        Question(
            _APART,
            [array_of(contact_ids)],
            lambda rows: {frozenset(row) for row in rows},
        )
    )
    return pairs


def are_kept_apart(one_id: int, other_id: int) -> bool:
    """Whether these two live contacts are kept apart."""
    return bool(pairs_kept_apart([one_id, other_id]))
