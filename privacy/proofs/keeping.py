"""Keeps the proof of agreements when a person is erased, without a word about who it was."""

import uuid
from collections.abc import Sequence

from consents.models import ConsentAgreement
from contacts.models import Contact
from contacts.telling import describe_person
from privacy.models.proofs import KeptAgreement
from privacy.proofs.names import digests_of
from privacy.proofs.proof import came_by_of

_PORTION = 1_000


def keep_agreements(records: Sequence[Contact]) -> None:
    """Keep the answers of these contacts, who are one person and about to be erased.

    It runs in the transaction of the erasure, while the answers are still there.
    """
    live = next((one for one in records if one.merged_into_id is None), records[0])
    person = describe_person(live, records)
    names = sorted(digests_of(guids=person.guids, emails=person.email_keys))
    erasure = uuid.uuid4()
    agreements = ConsentAgreement.objects.filter(contact__in=records).order_by("at", "pk")
    kept = (
        KeptAgreement(
            erasure=erasure,
            names=names,
            consent_id=agreement.consent_id,
            agreed=agreement.agreed,
            at=agreement.at,
            text_id=agreement.text_id,
            channel_id=agreement.channel_id,
            tracked_site_id=agreement.tracked_site_id,
            came_by=came_by_of(agreement)[:250],
        )
        for agreement in agreements.iterator(chunk_size=_PORTION)
    )
    KeptAgreement.objects.bulk_create(kept, batch_size=_PORTION)
