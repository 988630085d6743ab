"""Sending an email as a step."""

from collections.abc import Collection

from automations.emails.preparing import prepare
from automations.models import Run, Template
from automations.steps.doing.base import PASSED, Batch, CannotDo, Ends, Passed, Result, does
from consents.agreements import answers_to
from database.questions import ask


@does("email")
def send_email(batch: Batch) -> dict[int, Result]:
    """Each run gets an email, prepared or held back; who took the agreement back leaves."""
    name = batch.step.members["template"]
    template = Template.objects.filter(code_name__iexact=name).first()
    if template is None:
        raise CannotDo(f"There is no template “{name}”.")
    held = prepare(template, batch.runs, batch.step.key)
    without = [run for run in batch.runs if run.pk in held]
    revoked = who_revoked(template, {run.contact_id for run in without})
    results = batch.all(PASSED)
    for run in without:
        reason = held[run.pk]
        detail = f"Held back: {reason}"
        if run.contact_id in revoked:
            results[run.pk] = Ends(Run.Status.STOPPED, reason=reason, detail=detail)
        else:
            results[run.pk] = Passed(detail=detail)
    return results


def who_revoked(template: Template, contact_ids: Collection[int]) -> set[int]:
    """The contacts who have taken back the agreement that the template needs."""
    consent_id = template.consent_id
    if consent_id is None or not contact_ids:
        return set()
    (answers,) = ask(answers_to({(contact_id, consent_id) for contact_id in contact_ids}))
    return {contact_id for (contact_id, _), answer in answers.items() if answer.agreed is False}
