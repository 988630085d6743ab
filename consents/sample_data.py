"""Answers of the sample's contacts, to see what a ledger does that has grown."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from channels.models import Channel
from consents.models import Consent

# Who answers does so soon after they came. Of 1,000 who answer, so many say no at once, and so many
# more revoke what they had agreed to.
_REFUSE, _REVOKE = 120, 60

_INSERT = """
INSERT INTO consents_consentagreement (
    contact_id, consent_id, agreed, at, text_id, channel_id, request_id
)
SELECT
    contact.id,
    %(consent)s,
    answer.number = 1 AND mood >= %(refuse)s,
    CASE answer.number
        WHEN 1 THEN contact.created_at + interval '1 minute'
        ELSE contact.created_at + (%(until)s::timestamptz - contact.created_at) * 0.6
    END,
    text.id,
    %(channel)s,
    gen_random_uuid()
FROM contacts_contact AS contact
CROSS JOIN LATERAL (
    SELECT
        (hashint8extended(contact.id, %(consent)s) & 1048575) %% 1000 AS wish,
        (hashint8extended(contact.id, %(consent)s + 1000) & 1048575) %% 1000 AS mood
) AS drawn
CROSS JOIN generate_series(1, 2) AS answer (number)
CROSS JOIN LATERAL (
    SELECT id FROM consents_consenttext
    WHERE consent_id = %(consent)s AND superseded_at IS NULL
    ORDER BY language = 'en' AND contact.country IN ('DEU', 'AUT', 'CHE'), id LIMIT 1
) AS text
WHERE contact.id = ANY(%(contacts)s::bigint[])
    AND wish < 10 * %(percent)s
    AND (answer.number = 1 OR mood BETWEEN %(refuse)s AND %(refuse)s + %(revoke)s - 1)
ORDER BY contact.id, answer.number
"""


def write_agreements(
    consent: Consent, contact_ids: Sequence[int], *, channel: Channel, percent: int, until: datetime
) -> int:
    """Let `percent` of these contacts answer; return how many answers that are."""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "consent": consent.pk,
                "contacts": list(contact_ids),
                "channel": channel.pk,
                "percent": percent,
                "until": until,
                "refuse": _REFUSE,
                "revoke": _REVOKE,
            },
        )
        return cursor.rowcount
