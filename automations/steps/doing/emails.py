"""Sending an email as a step."""

from collections.abc import Sequence

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
    revoked = _revoked(template, [run for run in batch.runs if run.pk in held])
    results = batch.all(PASSED)
    for run_id, reason in held.items():
        detail = f"Held back: {reason}"
        if run_id in revoked:
            results[run_id] = Ends(Run.Status.STOPPED, reason=reason, detail=detail)
        else:
            results[run_id] = Passed(detail=detail)
    return results


def _revoked(template: Template, runs: Sequence[Run]) -> set[int]:
    """The runs whose contacts have taken back the agreement that the template needs."""
    if template.consent_id is None or not runs:
        return set()
    (answers,) = ask(answers_to({(run.contact_id, template.consent_id) for run in runs}))
    return {
        run.pk
        for run in runs
        if (answer := answers.get((run.contact_id, template.consent_id))) and answer.agreed is False
    }
