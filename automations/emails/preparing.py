"""Preparing emails: who may get one gets it rendered, once, under a Message-ID for ever."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from automations.emails.addresses import BadAddress, ascii_address, domain_of, sender_of
from automations.emails.links import links_for
from automations.emails.permission import obstacles, who_agrees
from automations.emails.rendering import event_names_in, render
from automations.emails.values import CannotRender, EventValue, Missing, Values, values_of
from automations.emails.waking import ring_for_emails
from automations.models import Email, Run, Template
from contacts.models import Contact

# Several copies of each email are in memory while it is stored.
_STORED_AT_ONCE = 100


class Held(Exception):
    """An email that cannot be rendered; the text is a sentence that says why."""


@dataclass(frozen=True)
class Audience:
    """What is known, all at once, of those who are to get emails of one template."""

    contacts: Mapping[int, Contact]
    obstacles: Mapping[int, str]
    values: Mapping[int, Values]
    count_opens_of: set[int]
    count_clicks_of: set[int]


def prepare(template: Template, runs: Sequence[Run], step: str) -> dict[int, str]:
    """Make one email for each of these runs, in the transaction of the caller.

    The email of a contact who may not get it, or of whom a value is missing, is held back. A run
    that has the email of this step already gets no second one.

    :return: by the ids of the runs whose email is held back, why, in a sentence
    """
    sender, events, refusal = look_at(template)
    audience = _audience_of(template, events, {run.contact_id for run in runs})
    emails = []
    for run in runs:
        email = _blank(template, run, step, sender)
        try:
            if refusal:
                raise Held(refusal)
            _fill(email, template, run, audience)
        except Held as held:
            email.status, email.reason = Email.Status.HELD, str(held)
        emails.append(email)
    Email.objects.bulk_create(emails, ignore_conflicts=True, batch_size=_STORED_AT_ONCE)
    if any(email.status == Email.Status.PREPARED for email in emails):
        ring_for_emails(template.is_transactional)
    return {
        email.run_id: email.reason
        for email in emails
        if email.run_id is not None and email.status == Email.Status.HELD
    }


def prepare_again(email: Email) -> None:
    """Render an email that was held back anew, from its template as it is now; it is not saved.

    :raises Held: if that is not possible, in a sentence that says why
    """
    template, run = email.template, email.run
    if template is None:
        raise Held("The template of the email was deleted.")
    sender, events, refusal = look_at(template)
    if refusal:
        raise Held(refusal)
    email.sender, email.reply_to = sender, template.reply_to
    email.consent, email.is_transactional = template.consent, template.is_transactional
    audience = _audience_of(template, events, {email.contact_id})
    _fill(email, template, run or Run(contact_id=email.contact_id), audience)


def look_at(template: Template) -> tuple[str, Collection[str], str]:
    """The sender, the names of the events in the texts, and why no email can be made of it."""
    try:
        return sender_of(template), event_names_in(template), ""
    except BadAddress as error:
        return "", (), f"The email has no sender: {error}"
    except CannotRender as error:
        return "", (), error.reason


def _audience_of(template: Template, events: Collection[str], contact_ids: set[int]) -> Audience:
    contacts = Contact.objects.in_bulk(contact_ids)
    refused = obstacles(
        contact_ids,
        consent_id=template.consent_id,
        check_cap=not template.is_transactional,
    )
    reached = [contact for pk, contact in contacts.items() if pk not in refused]
    ids = {contact.pk for contact in reached}
    return Audience(
        contacts=contacts,
        obstacles=refused,
        values=values_of(reached, events, {}),
        count_opens_of=who_agrees(ids, template.open_consent_id),
        count_clicks_of=who_agrees(ids, template.click_consent_id),
    )


def _blank(template: Template, run: Run, step: str, sender: str) -> Email:
    domain = domain_of(sender) or "localhost"
    return Email(
        contact_id=run.contact_id,
        template=template,
        run=run,
        step=step,
        message_id=f"{uuid4().hex}@{domain}",
        consent_id=template.consent_id,
        is_transactional=template.is_transactional,
        sender=sender,
        reply_to=template.reply_to,
        subject=template.subject,
    )


def _fill(email: Email, template: Template, run: Run, audience: Audience) -> None:
    """Render `email` for the contact of `run`.

    :raises Held: if the contact may not get it, or a value is missing
    """
    pk = email.contact_id
    if (contact := audience.contacts.get(pk)) is None:
        raise Held("The contact was erased.")
    email.recipient = contact.email
    if reason := audience.obstacles.get(pk):
        raise Held(reason)
    try:
        email.recipient = ascii_address(contact.email)
        values = audience.values[pk].of_run(EventValue(run.event_name, run.event_data))
        links = links_for(
            email.message_id,
            template,
            pk in audience.count_opens_of,
            pk in audience.count_clicks_of,
        )
        rendered = render(template, values, links)
    except BadAddress as error:
        raise Held(str(error)) from error
    except (Missing, CannotRender) as error:
        raise Held(error.reason) from error
    email.subject, email.html, email.text = (
        " ".join(rendered.subject.split()),
        rendered.html,
        rendered.text,
    )
