"""What the buttons on the page of a request do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User

from consents.models import Consent
from privacy.admin.request_forms import (
    ContactForm,
    CorrectForm,
    ExtendForm,
    IdentityForm,
    NoteForm,
    ObjectionForm,
    RefuseForm,
    TextForm,
)
from privacy.models import PersonRequest
from privacy.requests import answering, erasing, objecting, receiving

type Do = Callable[[PersonRequest, dict[str, Any], User], str]


@dataclass(frozen=True)
class Action:
    """A button, with the form that stands above it.

    :ivar do: does it, and returns what is said then; raises `CannotDo`
    """

    title: str
    icon: str
    do: Do
    form: type[forms.Form] = forms.Form


def _confirm(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.confirm_identity(row.pk, given["proof"], given["text"], by=by)
    return "The identity is checked."


def _doubt(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.doubt_identity(row.pk, given["text"], by=by)
    return "Noted. Ask the person again, or refuse the request."


def _extend(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.extend(row.pk, given["months"], given["ground"], given["told_on"], by=by)
    return "The request is extended."


def _correct(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.correct(row.pk, given["received_on"], given["way"], by=by)
    return "Corrected."


def _note(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.write_note(row.pk, given["text"], by=by)
    return "The note is kept."


def _refuse(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.refuse(row.pk, given["ground"], given["text"], by=by)
    return "The request is refused. Tell the person why: the text is below."


def _withdraw(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.withdraw(row.pk, given["text"], by=by)
    return "The request has ended: the person has taken it back."


def _connect(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    goes_on = receiving.connect(row, given["contact"].pk, by=by)
    if goes_on.pk != row.pk:
        return "The person has such a request open already: this one has joined it."
    return "The request is about this contact now."


def _close(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.close_without_data(row.pk, by=by)
    return "The request has ended. Tell the person that the hub keeps nothing of them."


def _make_file(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.make_file(row.pk, by=by)
    return "A worker makes the file."


def _finish(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    answering.finish(row.pk, by=by)
    return "The request is done."


def _take_back(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    erasing.take_back(row.pk, by=by)
    return "The erasure is not asked for any more."


def _object(row: PersonRequest, given: dict[str, Any], by: User) -> str:
    consents: list[Consent] = list(given["consents"])
    objecting.object_to_marketing(row.pk, consents, suppresses=given["suppresses"], by=by)
    return "The objection is respected. What was stopped stands below."


ACTIONS = {
    "identity": Action("The identity is checked", "verified_user", _confirm, IdentityForm),
    "doubt": Action("It could not be confirmed", "gpp_maybe", _doubt, TextForm),
    "connect": Action("This is the person", "person_check", _connect, ContactForm),
    "nothing": Action("End it: nothing is kept", "person_off", _close),
    "file": Action("Make the file", "folder_zip", _make_file),
    "finish": Action("The person has got the file", "task_alt", _finish),
    "take-back": Action("Ask for it no more", "undo", _take_back),
    "object": Action("Stop it all", "block", _object, ObjectionForm),
    "extend": Action("Extend", "more_time", _extend, ExtendForm),
    "correct": Action("Correct", "edit", _correct, CorrectForm),
    "note": Action("Keep the note", "add_comment", _note, NoteForm),
    "refuse": Action("Refuse", "do_not_disturb_on", _refuse, RefuseForm),
    "withdraw": Action("They took it back", "undo", _withdraw, TextForm),
}


def form_for(
    name: str, row: PersonRequest, data: Any = None, *, initial: dict[str, Any] | None = None
) -> forms.Form:
    """The form of an action; several stand on one page, each with ids of its own."""
    given = {"received_on": row.received_on, "way": row.way} if name == "correct" else {}
    return ACTIONS[name].form(data, initial={**given, **(initial or {})}, auto_id=f"{name}-%s")
