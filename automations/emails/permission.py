"""The decision whether a contact may get an email, and whether what they do with it is counted."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from automations.models import Email, Suppression
from consents.models import Consent
from consents.permission import SAYS, ObstacleToSending, find_obstacle_to_sending
from database.cursors import array_of
from database.questions import Question, ask

_WEEK = timedelta(days=7)
# Whether the contact is there, is live and has an email, why its address is suppressed, what it has
# answered, and how the consent is called.
_ASK = f"""
SELECT asked.id, contact.id, contact.merged_into_id, contact.email = '', suppression.reason,
    {SAYS}
FROM unnest(%s::bigint[]) AS asked (id)
LEFT JOIN contacts_contact AS contact ON contact.id = asked.id
LEFT JOIN automations_suppression AS suppression
    ON suppression.email_key = contact.email_key
LEFT JOIN consents_currentanswer AS answer
    ON answer.contact_id = contact.id AND answer.consent_id = %s
"""  # noqa: S608 -- of words of our own
_AGREE = f"""
SELECT contact_id FROM consents_currentanswer AS answer
WHERE contact_id = ANY(%s::bigint[]) AND consent_id = %s AND {SAYS}
"""  # noqa: S608 -- of words of our own
_COUNT = """
SELECT contact_id FROM automations_email
WHERE contact_id = ANY(%s::bigint[]) AND NOT is_transactional
    AND status IN ('handing_over', 'sent', 'uncertain') AND handed_over_at > %s
    AND id <> ALL(%s::bigint[])
GROUP BY contact_id HAVING count(*) >= %s
"""
_LOCK = """
SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
_SUPPRESSED = {
    Suppression.Reason.BOUNCED: "The address of the contact does not exist: an email came back.",
    Suppression.Reason.COMPLAINED: "The contact has reported an email as spam.",
    Suppression.Reason.UNSUBSCRIBED: "The contact has unsubscribed at the mail provider.",
    Suppression.Reason.USER: "A user has decided that this address gets no emails.",
}
_REFUSED = {
    ObstacleToSending.NO_ANSWER: "The contact has not agreed to “{}”.",
    ObstacleToSending.REVOKED: "The contact has revoked “{}”.",
}


def obstacles(
    contact_ids: Collection[int],
    *,
    consent_id: int | None,
    check_cap: bool = False,
    besides: Collection[int] = (),
) -> dict[int, str]:
    """Why each of these contacts may get no email, in a sentence; those who may are left out.

    Two queries, three with `check_cap`, however many contacts there are.

    :param consent_id: the consent that the email needs; None for a transactional one
    :param check_cap: whether EMAILS_PER_CONTACT_AND_WEEK counts, which it never does for
        transactional emails
    :param besides: ids of emails that do not count for that, because they are the ones in question
    """
    ids = sorted(set(contact_ids))
    if not ids:
        return {}
    consent = Consent.objects.filter(pk=consent_id).first() if consent_id is not None else None
    found: dict[int, str] = {}
    if check_cap and consent_id is not None and (cap := settings.EMAILS_PER_CONTACT_AND_WEEK):
        reason = f"The contact has got {cap} emails within seven days, which is the most."
        found = dict.fromkeys(_with_enough(ids, besides, cap), reason)
    (rows,) = ask(Question(_ASK, [array_of(ids), consent_id], list))
    for contact_id, *row in rows:
        reason = _reason(*row, consent_id=consent_id, consent=consent)
        if reason:
            found[contact_id] = reason
    return found


def lock_below_cap(emails: Sequence[Email]) -> list[Email]:
    """Those of these emails whose contacts may still get one within the week.

    Their contacts are locked until the transaction ends, so two workers never hand over the last
    one each.
    """
    cap = settings.EMAILS_PER_CONTACT_AND_WEEK
    counting = [email for email in emails if not email.is_transactional]
    if not cap or not counting:
        return list(emails)
    ids = sorted({email.contact_id for email in counting})
    ask(Question(_LOCK, [array_of(ids)], list))
    full = set(_with_enough(ids, [email.pk for email in counting], cap))
    return [email for email in emails if email.is_transactional or email.contact_id not in full]


def who_agrees(contact_ids: Collection[int], consent_id: int | None) -> set[int]:
    """Those of these contacts who agree to a consent; without a consent nobody does.

    So it is asked before it is counted whether a contact opens an email, or clicks.
    """
    if consent_id is None or not contact_ids:
        return set()
    (rows,) = ask(
        Question(
            _AGREE,
            [array_of(sorted(set(contact_ids))), consent_id],
            list,
        )
    )
    return {contact_id for (contact_id,) in rows}


def _with_enough(ids: list[int], besides: Collection[int], cap: int) -> list[int]:
    since = timezone.now() - _WEEK
    params = [array_of(ids), since, array_of(sorted(besides)), cap]
    (rows,) = ask(Question(_COUNT, params, list))
    return [contact_id for (contact_id,) in rows]


def _reason(
    contact_id: int | None,
    merged_into_id: int | None,
    has_no_email: bool,
    suppressed: str | None,
    has_agreed: bool | None,
    *,
    consent_id: int | None,
    consent: Consent | None,
) -> str:
    if contact_id is None:
        return "The contact was erased."
    if merged_into_id is not None:
        return "The contact was merged into another."
    if has_no_email:
        return "The contact has no email."
    if suppressed is not None:
        return _SUPPRESSED[Suppression.Reason(suppressed)]
    if consent_id is None:
        return ""
    obstacle = find_obstacle_to_sending(has_agreed)
    return _REFUSED[obstacle].format(consent.name if consent else "") if obstacle else ""
