"""The page of a request: its steps from the receipt to the end, and what is to do next."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from adminsite.columns import Badge, labels_of
from adminsite.formatting import badge, change_url, link_to
from adminsite.permissions import AnyUser
from contacts.models import Contact
from destinations.admin.permissions import may_see_destinations
from privacy.access.permissions import may_make_access_files, may_see_access_files
from privacy.admin.permissions import may_answer_requests, may_see_certificates
from privacy.admin.request_actions import ACTIONS, form_for
from privacy.models import AccessFile, PersonRequest
from privacy.models.requests import BY_DUE, written
from privacy.requests.answering import GIVES_A_FILE, NEEDS_IDENTITY, file_of
from privacy.requests.due import left_in_words, today, urgency_of
from privacy.requests.erasing import erased_before, erasure_of, needs_two
from privacy.requests.letters import letters_for
from privacy.requests.objecting import destinations_that_go_on, what_stops
from privacy.requests.people import contact_with, live_contact_of, requests_of

Identity, Kind, Status = PersonRequest.Identity, PersonRequest.Kind, PersonRequest.Status
STATUS = Badge(
    "status",
    "State",
    labels=labels_of(
        {
            Status.OPEN: "info",
            Status.DONE: "good",
            Status.NOTHING: "good",
            Status.REFUSED: "neutral",
            Status.WITHDRAWN: "neutral",
            Status.JOINED: "neutral",
        }
    ),
)
IDENTITY = Badge(
    "identity",
    labels=labels_of(
        {Identity.UNCHECKED: "warning", Identity.CHECKED: "good", Identity.REFUSED: "bad"}
    ),
)
ERASED_PERSON = "Somebody who was erased"
# What ends each kind, as the last step but one says it.
_DOES = {
    Kind.ACCESS: "Make the file, and hand it over",
    Kind.PORTABILITY: "Make the file, and hand it over",
    Kind.ERASURE: "Erase",
    Kind.OBJECTION: "Stop direct marketing",
}
_OTHERS = ("extend", "correct", "note", "refuse", "withdraw")


@dataclass(frozen=True)
class Step:
    """One step on the way of a request.

    :ivar state: `done`, `now` or `later`
    :ivar says: what was done, or is to do
    """

    title: str
    state: str
    says: str = ""

    @property
    def icon(self) -> str:
        return {"done": "check_circle", "now": "arrow_circle_right"}.get(self.state, "circle")

    @property
    def in_words(self) -> str:
        return {"done": "Done", "now": "Now"}.get(self.state, "Later")


def name_of(request: PersonRequest, contact: Contact | None) -> str:
    """What pages call the person of a request."""
    return str(contact) if contact else request.email or ERASED_PERSON


def due_badge(row: PersonRequest) -> object:
    """How much time is left, in words."""
    return badge(left_in_words(row.due_on), urgency_of(row.due_on))


def next_of(row: PersonRequest, contact: Contact | None, file: AccessFile | None) -> str:
    """What is to do next: the name of the template that shows it; "" after the end."""
    if not row.is_open:
        return ""
    if row.erasure_id is not None:
        return "erasing"
    if row.is_of_unknown:
        return "unknown"
    if contact is None:
        return "erased"
    if row.kind in NEEDS_IDENTITY and row.identity != Identity.CHECKED:
        return "identity"
    if row.kind in GIVES_A_FILE:
        return _next_of_file(file)
    if row.kind == Kind.ERASURE:
        return "approve" if row.erasure_asked_at else "erase"
    return "object"


def build_page(
    request: HttpRequest, row: PersonRequest, sent: dict[str, forms.Form] | None = None
) -> dict[str, Any]:
    """What the page of a request shows; `sent` are forms that were refused, by their actions."""
    sent = sent or {}
    user = request.user
    contact = live_contact_of(row)
    file = file_of(row)
    doing = next_of(row, contact, file)
    may_answer = may_answer_requests(user)
    others = _others(row, contact) if may_answer and row.is_open else []
    context = {
        "row": row,
        "person": link_to(contact) if contact else name_of(row, None),
        "name": name_of(row, contact),
        "status": STATUS(row),
        "identity": IDENTITY(row) if row.kind in NEEDS_IDENTITY and not row.is_of_unknown else "",
        "due_badge": due_badge(row) if row.is_open else "",
        "due": f"{row.due_on:%A}, {written(row.due_on)}",
        "used": _days_used(row),
        "steps": steps_of(row, doing),
        "next": f"privacy/requests/next/{doing}.html" if doing and may_answer else "",
        "events": list(row.events.select_related("by").order_by("at", "pk")),
        "letters": letters_for(row),
        "contact": contact,
        "others": [(name, ACTIONS[name], _form(name, row, sent)) for name in others],
        "opened": next(iter(sent), ""),
        "same_person": _others_of_person(row, contact),
        "certificate_url": _certificate_url(row) if may_see_certificates(user) else "",
    }
    if doing and may_answer:
        context |= _next_context(request, doing, row, contact, file, sent)
    return context


def progress_of(row: PersonRequest, user: AnyUser) -> dict[str, Any]:
    """How far a worker is with the erasure, or with the file, of a request."""
    erasure, file = erasure_of(row), file_of(row)
    gone = erasure.done if erasure else 0
    is_made = file is not None and file.status == AccessFile.Status.WAITING
    return {
        "row": row,
        "erasure": erasure,
        "gone": gone,
        "most": max(gone, erasure.expected if erasure else 0, 1),
        "file": file,
        "file_url": change_url(file) if file and may_see_access_files(user) else "",
        "is_over": not row.is_open or not (erasure or is_made),
        "progress_url": reverse("admin:privacy_personrequest_progress", args=[row.pk]),
    }


def steps_of(row: PersonRequest, doing: str) -> list[Step]:
    """The way of a request, with what was done and what is to do."""
    over = not row.is_open
    steps = [Step("Received", "done", _said_of_receipt(row))]
    if row.is_of_unknown or doing == "erased" or row.status == Status.NOTHING:
        said = "The hub knows nobody with this email." if row.is_of_unknown else ""
        steps.append(Step("Look whether anything is kept", "done" if over else "now", said))
    else:
        if row.kind in NEEDS_IDENTITY:
            checked = row.identity == Identity.CHECKED
            state = "done" if checked else "later" if over else "now"
            steps.append(Step("Check the identity", state, _said_of_identity(row)))
        if row.status != Status.REFUSED:
            state = "done" if over else "later" if doing == "identity" else "now"
            steps.append(Step(_DOES[Kind(row.kind)], state))
    end = "Tell the person what was done."
    if over:
        end = f"{row.get_status_display()}."
        if row.status not in (Status.WITHDRAWN, Status.JOINED):
            end += " The hub has told the person nothing: you do, and the text stands below."
    return [*steps, Step("Answer", "done" if over else "later", end)]


def _next_of_file(file: AccessFile | None) -> str:
    if file is None or file.status == AccessFile.Status.CANCELLED:
        return "file"
    if file.status == AccessFile.Status.WAITING:
        return "making"
    return "hand_over"


def _next_context(
    request: HttpRequest,
    doing: str,
    row: PersonRequest,
    contact: Contact | None,
    file: AccessFile | None,
    sent: dict[str, forms.Form],
) -> dict[str, Any]:
    """What the template of the next step needs besides the request."""
    user = request.user
    erase_url = reverse("admin:privacy_personrequest_erase", args=[row.pk])
    match doing:
        case "identity":
            return {"form": _form("identity", row, sent), "doubt": _form("doubt", row, sent)}
        case "unknown":
            found = contact_with(row.email)
            before = None if found else erased_before(row)
            return {"found": found, "found_link": link_to(found), "before": before}
        case "erasing" | "making":
            return progress_of(row, user)
        case "file" | "hand_over":
            return {
                "file": file,
                "file_url": change_url(file) if file and may_see_access_files(user) else "",
                "may_make": may_make_access_files(user),
            }
        case "erase":
            return {"erase_url": erase_url, "needs_two": needs_two()}
        case "approve":
            is_own = row.erasure_asked_by_id == user.pk
            return {"erase_url": erase_url, "is_own": is_own}
        case "object" if contact is not None:
            stops = what_stops(contact)
            form: Any = _form("object", row, sent)
            form.fields["consents"].queryset = form.fields["consents"].queryset.filter(
                pk__in=[one.pk for one in stops.consents]
            )
            if not form.is_bound:
                form.initial["consents"] = [one.pk for one in stops.consents]
            shows = may_see_destinations(user)
            go_on = [link_to(one) if shows else one.name for one in destinations_that_go_on()]
            return {"form": form, "stops": stops, "go_on": go_on}
    return {}


def _others(row: PersonRequest, contact: Contact | None) -> list[str]:
    """What can be done beside the next step."""
    names = list(_OTHERS)
    if row.extended_months:
        names.remove("extend")
    if row.erasure_id is not None:
        return []
    if contact is None and not row.email:
        names.remove("note")
    return names


def _form(name: str, row: PersonRequest, sent: dict[str, forms.Form]) -> forms.Form:
    return sent.get(name) or form_for(name, row)


def _others_of_person(row: PersonRequest, contact: Contact | None) -> list[tuple[object, object]]:
    """Other requests of the same person, with their state."""
    if contact is None:
        return []
    rows = requests_of(contact.pk).exclude(pk=row.pk).order_by(*BY_DUE)[:20]
    return [(link_to(one), STATUS(one)) for one in rows]


def _days_used(row: PersonRequest) -> dict[str, int]:
    """How many days of those that there are have passed."""
    days = (row.due_on - row.received_on).days
    return {"passed": min((today() - row.received_on).days, days), "days": days}


def _certificate_url(row: PersonRequest) -> str:
    if row.certificate_number is None:
        return ""
    return reverse("admin:privacy_certificate_change", args=[row.certificate_number])


def _said_of_receipt(row: PersonRequest) -> str:
    return f"On {written(row.received_on)}, {row.get_way_display().lower()}."


def _said_of_identity(row: PersonRequest) -> str:
    if row.identity == Identity.CHECKED:
        return f"{row.get_identity_proof_display()}."
    if row.identity == Identity.REFUSED:
        return "It could not be confirmed yet."
    return ""
