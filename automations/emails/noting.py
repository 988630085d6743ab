"""Noting what becomes of emails: which are handed over, and what came of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from automations.emails.handing_over import Outcome, Result
from automations.emails.smtp import PATIENCE
from automations.emails.suppressing import note_bounce
from automations.models import Email, EmailEvent
from database.cursors import array_of
from database.lookups import Among
from database.questions import Question, ask
from jobs.working import pause_after

Status = Email.Status
_OPEN = (Status.HANDING_OVER, Status.UNCERTAIN)

# A mail server that puts an email off is asked for so long from the first time on: the email may
# have waited for other reasons before, such as a rate or an outage.
GIVES_UP_AFTER = timedelta(days=3)
_FIRST_PAUSE = timedelta(minutes=1)
# What a contact has asked for may arrive once more each time, so it is not sent for ever.
MOST_TIMES_UNCERTAIN = 3

# One round trip for each handful of emails: Django would take most of the time of sending.
_MARK = """
WITH locked AS (
    SELECT id FROM automations_email
    WHERE id = ANY(%s::bigint[]) AND status = 'prepared'
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE automations_email AS email
SET status = 'handing_over', handed_over_at = %s, due_at = %s, recipient = given.recipient
FROM locked JOIN unnest(%s::bigint[], %s::text[]) AS given (id, recipient) USING (id)
WHERE email.id = locked.id
RETURNING email.id
"""
# These statements find rows by their keys, and planning them anew takes longer than doing them.
_KEEP_PLANS = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true)
"""
# Events refer to contacts, and an erasure locks contacts before their emails.
_LOCK_CONTACTS = """
SELECT contact.id FROM contacts_contact AS contact
JOIN automations_email AS email ON email.contact_id = contact.id
WHERE email.id = ANY(%s::bigint[]) ORDER BY contact.id FOR KEY SHARE OF contact
"""
_NOTE_SENT = """
WITH sent AS (
    UPDATE automations_email AS email
    SET status = 'sent', sent_at = %s, reason = '', last_error = '', put_off_since = NULL,
        provider_id = given.provider_id
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS given (id, began_at, provider_id)
    WHERE email.id = given.id AND email.handed_over_at = given.began_at
        AND email.status IN ('handing_over', 'uncertain', 'prepared')
    RETURNING email.id, email.contact_id, email.template_id
)
INSERT INTO automations_emailevent
    (email_id, contact_id, template_id, kind, at, detail, severity, by_robot)
SELECT id, contact_id, template_id, 'sent', %s, '', '', false FROM sent ORDER BY id
RETURNING id
"""


@dataclass(frozen=True)
class Attempt:
    """That an email is handed over from a time on; results of earlier attempts do not count."""

    email: Email
    began_at: datetime


def lease() -> timedelta:
    """How long a worker may take for one email: longer than its limits of time together."""
    return timedelta(seconds=settings.EMAIL_TIMEOUT * (PATIENCE + 6))


def mark(
    emails: Sequence[Email], taken: Sequence[tuple[Attempt, Outcome]] = ()
) -> dict[int, Attempt]:
    """Mark these as handing over, in the transaction of the caller; without those it is late for.

    :param taken: attempts after which emails are sent, which are noted in the same round trip
    :return: the attempts by the emails' keys
    """
    now = timezone.now()
    questions = [Question(_KEEP_PLANS, [], list)]
    if taken:
        questions += _questions_to_note(taken, now)
    if emails:
        keys = array_of(email.pk for email in emails)
        recipients = [email.recipient for email in emails]
        questions.append(Question(_MARK, [keys, now, now + lease(), keys, recipients], list))
    if not emails and not taken:
        return {}
    *_, last = ask(*questions)
    marked = {key for (key,) in last} if emails else set()
    return {email.pk: Attempt(email, now) for email in emails if email.pk in marked}


def note(results: Sequence[tuple[Attempt, Outcome]]) -> None:
    """Note what came of attempts, in the transaction of the caller.

    It counts unless the email was taken up again since; one that became uncertain is so no longer.
    """
    if not results:
        return
    now = timezone.now()
    ask(*_questions_to_note(results, now))
    others = {one[0].email.pk: one for one in results if one[1].result is not Result.SENT}
    if not others:
        return
    going = Email.objects.filter(Among("pk", others), status__in=_OPEN).defer("html", "text")
    for email in going.select_for_update(no_key=True):
        attempt, outcome = others[email.pk]
        if email.handed_over_at == attempt.began_at:
            _note_failure(email, outcome, now)


def _questions_to_note(
    results: Sequence[tuple[Attempt, Outcome]], now: datetime
) -> list[Question[list[tuple]]]:
    """Statements that lock the contacts of these attempts, and note the emails that are sent."""
    keys = array_of(attempt.email.pk for attempt, _ in results)
    questions: list[Question[list[tuple]]] = [Question(_LOCK_CONTACTS, [keys], list)]
    sent = [one for one in results if one[1].result is Result.SENT]
    if sent:
        keys = array_of(attempt.email.pk for attempt, _ in sent)
        times = [attempt.began_at for attempt, _ in sent]
        ids = [outcome.provider_id for _, outcome in sent]
        questions.append(Question(_NOTE_SENT, [now, keys, times, ids, now], list))
    return questions


def lock_email(email: Email | None) -> Email | None:
    """The email as it is now, locked after its contact; None if it was erased just now."""
    if email is None:
        return None
    ask(Question(_LOCK_CONTACTS, [array_of([email.pk])], list))
    rows = Email.objects.select_for_update(no_key=True).defer("html", "text")
    return rows.filter(pk=email.pk).first()


def note_sent(emails: Collection[Email], now: datetime) -> None:
    """Note that mail servers have taken these emails, which are locked."""
    if not emails:
        return
    Email.objects.filter(Among("pk", [email.pk for email in emails])).update(
        status=Status.SENT, sent_at=now, reason="", last_error="", put_off_since=None
    )
    EmailEvent.objects.bulk_create(
        EmailEvent(
            email=email,
            contact_id=email.contact_id,
            template_id=email.template_id,
            kind=EmailEvent.Kind.SENT,
            at=now,
        )
        for email in emails
    )


def note_uncertain(keys: Collection[int]) -> None:
    """Note of those of these emails whose worker has died that nobody knows whether they are sent.

    A job has claimed the keys. The lease of an email that another worker is at is as it was made.
    """
    with transaction.atomic():
        left = Email.objects.filter(Among("pk", keys), status=Status.HANDING_OVER)
        left = left.exclude(due_at=F("handed_over_at") + lease())
        now = timezone.now()
        for email in left.select_for_update(skip_locked=True, no_key=True).defer("html", "text"):
            _become_uncertain(email, "A worker ended while it handed the email over.", now)
            _save(email)


def hold(reasons: Mapping[int, str]) -> None:
    """Hold back these prepared emails, by their keys, for these reasons."""
    for reason in set(reasons.values()):
        keys = [key for key, other in reasons.items() if other == reason]
        prepared = Email.objects.filter(Among("pk", keys), status=Status.PREPARED)
        prepared.update(status=Status.HELD, reason=reason)


def put_off(keys: Collection[int], until: datetime) -> None:
    """Let these prepared emails wait until then."""
    Email.objects.filter(Among("pk", keys), status=Status.PREPARED).update(due_at=until)


def put_off_all(keys: Collection[int], error: str, until: datetime) -> None:
    """Let these prepared emails wait until then, because the mail server is away.

    That is no attempt of theirs: the first “later” after it costs each a short pause.
    """
    prepared = Email.objects.filter(Among("pk", keys), status=Status.PREPARED)
    prepared.update(due_at=until, last_error=error)


def _note_failure(email: Email, outcome: Outcome, now: datetime) -> None:
    """Note an attempt after which the email is not sent, or nobody knows whether it is."""
    if outcome.result is Result.REFUSED:
        email.status = Status.FAILED
        email.reason = outcome.detail or "The mail server refuses the email."
    elif outcome.result is Result.NOT_BEGUN:
        email.status = Status.PREPARED
    elif outcome.result is Result.UNCERTAIN:
        detail = f"The mail server has not said whether it took the email. {outcome.detail}"
        _become_uncertain(email, detail.strip(), now)
    else:
        _become_put_off(email, outcome.detail, now)
    _save(email)
    if outcome.severity:
        note_bounce(email, EmailEvent.Severity(outcome.severity), outcome.detail)


def _become_put_off(email: Email, detail: str, now: datetime) -> None:
    email.put_off_since = email.put_off_since or now
    if email.put_off_since < now - GIVES_UP_AFTER:
        email.status = Status.FAILED
        email.reason = f"The mail server has put the email off for three days: {detail}"
        return
    email.status = Status.PREPARED
    email.attempts = min(email.attempts + 1, 30_000)
    email.last_error = detail
    email.due_at = now + pause_after(email.attempts, first=_FIRST_PAUSE)


def _become_uncertain(email: Email, reason: str, now: datetime) -> None:
    email.times_uncertain += 1
    email.uncertain_at = now
    if email.is_transactional and email.times_uncertain < MOST_TIMES_UNCERTAIN:
        email.status, email.last_error = Status.PREPARED, reason
        again_in = timedelta(0)
        if email.times_uncertain > 1:
            again_in = pause_after(email.times_uncertain - 1, first=_FIRST_PAUSE)
        email.due_at = now + again_in
    else:
        email.status, email.reason = Status.UNCERTAIN, reason


def _save(email: Email) -> None:
    email.save(
        update_fields=[
            *("status", "reason", "attempts", "last_error", "due_at", "put_off_since"),
            *("times_uncertain", "uncertain_at"),
        ]
    )
