"""Changing fields and groups of contacts, and ending runs."""

from automations.models import Passage
from automations.steps.doing.base import (
    PASSED,
    Batch,
    CannotDo,
    Ends,
    Fails,
    Passed,
    Result,
    does,
)
from automations.steps.doing.filling import filled
from contacts.changes import Changes, Origin
from contacts.merging import lock_all_live
from contacts.models import Contact, ContactChange
from contacts.profile import InvalidField, check_field, fit_state, from_text
from groups.membership import NotStatic, change_locked
from groups.models import ContactGroup, MembershipEvent

_STATE_ABROAD = "Only contacts in the USA have a state."


@does("set_field")
def set_field(batch: Batch) -> dict[int, Result]:
    """A field of each contact gets a value, if it can hold that."""
    field = batch.step.members["field"]
    texts, results = filled(batch, batch.step.members["value"])
    contacts = lock_all_live([run.contact_id for run in batch.runs])
    changes = Changes(at=batch.now)
    for run in batch.runs:
        if run.pk in texts:
            contact = contacts[run.contact_id]
            results[run.pk] = _set(contact, field, texts[run.pk].strip(), changes)
    changes.write()
    return results


@does("group")
def change_group(batch: Batch) -> dict[int, Result]:
    """Each contact comes into a static group, or out of it."""
    members = batch.step.members
    name = members.get("add") or members["remove"]
    group = ContactGroup.objects.filter(code_name__fold=name).first()
    if group is None:
        raise CannotDo(f"There is no contact group “{name}”.")
    contact_ids = [run.contact_id for run in batch.runs]
    try:
        change_locked(
            group,
            contact_ids,
            remove="remove" in members,
            cause=MembershipEvent.Cause.AUTOMATION,
        )
    except NotStatic as error:
        raise CannotDo(str(error)) from None
    return batch.all(PASSED)


@does("stop")
def stop(batch: Batch) -> dict[int, Result]:
    """The runs end."""
    return batch.all(Ends())


def _set(contact: Contact, field: str, text: str, changes: Changes) -> Result:
    try:
        value = check_field(field, text, called=f"The {field.replace('_', ' ')}") if text else ""
    except InvalidField as error:
        return Fails(str(error))
    fields = {field: from_text(field, value)}
    if fit_state(fields, contact.country):
        return Passed(Passage.Outcome.SKIPPED, detail=_STATE_ABROAD)
    changes.add(contact, fields, Origin(ContactChange.Source.AUTOMATION))
    return PASSED
