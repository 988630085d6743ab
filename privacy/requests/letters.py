"""Texts to copy into a letter to the person. The hub itself sends none."""

from dataclasses import dataclass

from privacy.models import PersonRequest
from privacy.models.requests import written
from privacy.requests.due import due_after

Kind, Status = PersonRequest.Kind, PersonRequest.Status
_ASKED = {
    Kind.ACCESS: "to learn which data we keep about you",
    Kind.PORTABILITY: "to get your data in a form that other systems can read",
    Kind.ERASURE: "to erase the data that we keep about you",
    Kind.OBJECTION: "to no longer use your data for direct marketing",
}
_DONE = {
    Kind.ACCESS: "You find the data that we keep about you in the file that comes with this "
    "letter. It tells as well where the data came from, what we use it for, and who got it.",
    Kind.PORTABILITY: "You find the data that you gave us, and what we recorded of what you did, "
    "in the file that comes with this letter, in the formats JSON and CSV.",
    Kind.ERASURE: "We have erased the data that we kept about you. We have asked those to whom we "
    "had given it to erase it as well. We keep proof of the consents that you gave, without your "
    "name, and a code by which we recognise that we must not record you again.",
    Kind.OBJECTION: "We no longer use your data for direct marketing.",
}
_RIGHTS = (
    "You may complain to a supervisory authority, and you may seek a judicial remedy "
    "(Article 12(4) of the GDPR)."
)


@dataclass(frozen=True)
class Letter:
    """A text to copy, and what it is for."""

    title: str
    text: str


def letters_for(request: PersonRequest) -> list[Letter]:
    """The texts that fit the state of a request, the one that is needed next first."""
    received, asked = written(request.received_on), _ASKED[Kind(request.kind)]
    began = f"On {received} we received your request {asked}."
    due = written(request.due_on)
    if request.is_open:
        letters = [
            Letter("Received", f"{began} We will answer by {due} (Article 12(3) of the GDPR)."),
            Letter(
                "Who are you?",
                f"{began} We could not tell yet that it comes from you. Please answer from the "
                "email address that we know, or tell us how else you can show it "
                "(Article 12(6) of the GDPR).",
            ),
        ]
        return letters if request.extended_months else [*letters, extension_letter(request, 2)]
    return [
        Letter("The answer", f"{began} {text}")
        for status, text in _answers(request).items()
        if status == request.status
    ]


def extension_letter(request: PersonRequest, months: int) -> Letter:
    """What the person is told of an extension."""
    until = written(due_after(request.received_on, months))
    asked = _ASKED[Kind(request.kind)]
    return Letter(
        "It takes longer",
        f"On {written(request.received_on)} we received your request {asked}. We need more time "
        f"for it, because it is complex [or: because we have received many requests]. We will "
        f"answer by {until} at the latest (Article 12(3) of the GDPR).",
    )


def _answers(request: PersonRequest) -> dict[str, str]:
    return {
        Status.DONE: _DONE[Kind(request.kind)],
        Status.NOTHING: "We keep no data about you.",
        Status.WITHDRAWN: "You have taken it back, and so we have done nothing further.",
        Status.REFUSED: "We cannot do what you ask for. "
        f"{request.get_refusal_ground_display()}. {_RIGHTS}",
    }
