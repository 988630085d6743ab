"""The texts of steps, with what they say of each contact."""

from automations.emails.rendering import event_names_in, fill
from automations.emails.values import CannotRender, EventValue, Missing, values_of
from automations.steps.doing.base import Batch, CannotDo, Fails, Result
from contacts.models import Contact
from database.lookups import Among


def filled(batch: Batch, text: str) -> tuple[dict[int, str], dict[int, Result]]:
    """What `text` says for each run, by its id; and of the others why it cannot be said.

    :raises CannotDo: if the text cannot be read
    """
    if "%" not in text and "{" not in text:
        return {run.pk: text for run in batch.runs}, {}
    try:
        names = event_names_in(text)
    except CannotRender as error:
        raise CannotDo(error.reason) from None
    contacts = list(Contact.objects.filter(Among("pk", {run.contact_id for run in batch.runs})))
    values = values_of(contacts, names, {})
    texts: dict[int, str] = {}
    failed: dict[int, Result] = {}
    for run in batch.runs:
        of_run = values[run.contact_id].of_run(EventValue(run.event_name, run.event_data))
        try:
            texts[run.pk] = fill(text, of_run, "none")
        except (Missing, CannotRender) as error:
            failed[run.pk] = Fails(error.reason)
    return texts, failed
