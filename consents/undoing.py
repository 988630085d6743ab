"""Answers to consents, when a merge is undone.

Those that the merge moved go back. Of those that came since nothing says whose they are: they stay
with the survivor. But if the last of them is a no, it counts for both, so that nobody is taken to
agree who may have revoked.
"""

from typing import Any

from django.db import connection

from consents.agreements import record_agreements
from consents.models import Consent
from contacts.returning import Left, Owner, tell_owner
from contacts.undoing import Part, Told, Undoing, register_part

_KEY = "consents.consentagreement.contact"
# The last answers that came since, by consent; and whether the other contact agrees by those that
# go back.
_REVOKED_SINCE = """
WITH back AS (
    SELECT unnest(moved.rows) AS id FROM contacts_movedrows AS moved
    WHERE moved.merge_id = %(merge)s AND moved.key = %(key)s
), last_since AS (
    SELECT DISTINCT ON (consent_id) consent_id, agreed
    FROM consents_consentagreement
    WHERE contact_id = %(survivor)s AND at > %(merged_at)s AND id NOT IN (SELECT id FROM back)
    ORDER BY consent_id, at DESC, id DESC
), last_back AS (
    SELECT DISTINCT ON (consent_id) consent_id, agreed
    FROM consents_consentagreement
    WHERE id IN (SELECT id FROM back) OR contact_id = %(loser)s
    ORDER BY consent_id, at DESC, id DESC
)
SELECT consent_id FROM last_since JOIN last_back USING (consent_id)
WHERE NOT last_since.agreed AND last_back.agreed
"""


def register() -> None:
    """Have undoing a merge know it."""
    tell_owner(_KEY, Owner(came_at="at"))
    register_part(Part(count=_count, do=_revoke))


def _count(undoing: Undoing) -> Told:
    revoked = _revoked_since(undoing)
    why = "the survivor has revoked since, which counts for both: nobody can tell who it was"
    return Told(left=[Left("agreements", why, len(revoked))] if revoked else [])


def _revoke(undoing: Undoing) -> None:
    if revoked := _revoked_since(undoing):
        consents = Consent.objects.filter(pk__in=revoked)
        came_by = "The undo of a merge: the other contact had revoked, which counts for both"
        record_agreements([undoing.loser], dict.fromkeys(consents, False), came_by=came_by)


def _revoked_since(undoing: Undoing) -> list[int]:
    params: dict[str, Any] = {
        "merge": undoing.merge.pk,
        "key": _KEY,
        "survivor": undoing.survivor.pk,
        "loser": undoing.loser.pk,
        "merged_at": undoing.merge.finished_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REVOKED_SINCE, params)
        return [consent_id for (consent_id,) in cursor.fetchall()]
