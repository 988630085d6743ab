"""How requests of a person are told to that person, who asks for their data."""

from typing import Any

from django.db.models import TextChoices

from contacts.telling import Says, Telling, register_telling
from privacy.models import PersonRequest


def register() -> None:
    """Have the requests of a person, and what was done about them, be told."""
    register_telling(_REQUESTS)


def _words_of(choices: type[TextChoices]) -> Any:
    labels = dict(choices.choices)
    return lambda value: labels.get(value, value)


_REQUESTS = Telling(
    model=PersonRequest,
    name="requests",
    title="What you have asked for about your data",
    sentence="Your requests for access, portability or erasure, and your objections.",
    columns=[
        Says(name="kind", title="What for", of="kind", words=_words_of(PersonRequest.Kind)),
        Says(name="received", title="Received", of="received_on"),
        Says(name="way", title="How it came", of="way", words=_words_of(PersonRequest.Way)),
        Says(name="notes", title="What was noted", of="notes"),
        Says(
            name="identity",
            title="Identity",
            of="identity",
            words=_words_of(PersonRequest.Identity),
        ),
        Says(name="identity_note", title="Noted about it", of="identity_note"),
        Says(name="due", title="Due", of="due_on"),
        Says(name="told", title="You were told that it takes longer", of="told_on"),
        Says(name="status", title="State", of="status", words=_words_of(PersonRequest.Status)),
        Says(name="ended", title="Ended", of="ended_at"),
        Says(name="by", title="Registered by", of="registered_by_id", is_user=True),
    ],
    position=140,
)
