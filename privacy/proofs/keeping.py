"""Keeps the proof of agreements when people are erased, without a word about who they were."""

import uuid
from collections.abc import Sequence

from consents.models import ConsentAgreement
from contacts.models import Contact
from contacts.records import people_of
from contacts.telling import describe_people
from privacy.models.proofs import KeptAgreement
from privacy.proofs.names import digests_of
from privacy.proofs.proof import came_by_of
from privacy.redacting import without

_PORTION = 1_000


def keep_agreements(records: Sequence[Contact]) -> None:
    """Keep the answers of these contacts, who are about to be erased, for each person by itself.

    It runs in the transaction of the erasure, while the answers are still there.
    """
    agreements = ConsentAgreement.objects.filter(contact__in=records)
    answered = set(agreements.values_list("contact", flat=True).distinct().order_by())
    if not answered:
        return
    people = [
        (person[0], person)
        for person in people_of(records)
        if not answered.isdisjoint(contact.pk for contact in person)
    ]
    known: dict[int, tuple[uuid.UUID, list[str], set[str]]] = {}
    for person in describe_people(people):
        names = sorted(digests_of(guids=person.guids, emails=person.email_keys))
        # The file of an import may have had one of these where it should have had the place.
        told = {*person.guids, *person.emails, *(one.email for one in person.records)}
        told |= {one.full_name for one in person.records if one.first_name and one.last_name}
        known |= dict.fromkeys(person.ids, (uuid.uuid4(), names, told))
    kept = (
        KeptAgreement(
            erasure=known[agreement.contact_id][0],
            names=known[agreement.contact_id][1],
            consent_id=agreement.consent_id,
            agreed=agreement.agreed,
            at=agreement.at,
            text_id=agreement.text_id,
            channel_id=agreement.channel_id,
            tracked_site_id=agreement.tracked_site_id,
            came_by=without(came_by_of(agreement), known[agreement.contact_id][2])[:250],
        )
        for agreement in agreements.order_by("at", "pk").iterator(chunk_size=_PORTION)
    )
    KeptAgreement.objects.bulk_create(kept, batch_size=_PORTION)
