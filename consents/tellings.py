"""How agreements are told to the person who gave them: with the exact words."""

from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString, mark_safe

from consents.models import ConsentAgreement, ConsentText
from consents.texts import clean_html
from contacts.telling import Origin, Person, Says, Telling, register_telling


def register() -> None:
    """Have these tables be told."""
    register_telling(_AGREEMENTS)
    register_telling(_TEXTS)


def as_shown(html: str) -> SafeString | str:
    """A text as people read it, cleaned once more: it stands in a page of its own."""
    return mark_safe(clean_html(html)) if html else ""  # noqa: S308


def _texts_shown(person: Person) -> QuerySet:
    agreements = ConsentAgreement.objects.filter(contact__in=person.ids)
    return ConsentText.objects.filter(pk__in=agreements.values("text"))


def _name_texts(person: Person, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        if row["version"] is None:
            row["text"] = "There was no text, or it is not known which."
        else:
            row["text"] = f"{row['language']}, version {row['version']}"
    return rows


_AGREEMENTS = Telling(
    model=ConsentAgreement,
    name="agreements",
    title="What you agreed to",
    sentence="Each time that you agreed to something, or took it back: when, where, and to which "
    "text. The texts themselves are in the next section.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="consent", title="What for", of="consent__name"),
        Says(name="consent_code", title="Code", of="consent__code_name", on_page=False),
        Says(name="agreed", title="You agreed", of="agreed"),
        Says(name="text", title="Text", of="text_id"),
        Says(name="language", title="Language", of="text__language", on_page=False),
        Says(name="version", title="Version", of="text__version", on_page=False),
        Says(name="channel", title="Website or app", of="channel__name"),
        Says(name="site", title="Tracked website", of="tracked_site__name"),
        Says(name="came_by", title="How it reached us", of="came_by"),
        Says(name="request", title="Request", of="request_id", on_page=False),
    ],
    order=("-at", "-id"),
    origin=Origin.PROVIDED,
    position=30,
    change=_name_texts,
    change_provided=_name_texts,
)
_TEXTS = Telling(
    model=ConsentText,
    name="consent-texts",
    title="The exact texts",
    sentence="The words that you were shown when you answered.",
    columns=[
        Says(name="consent", title="What for", of="consent__name"),
        Says(name="consent_code", title="Code", of="consent__code_name", on_page=False),
        Says(name="language", title="Language", of="language"),
        Says(name="version", title="Version", of="version"),
        Says(name="short_text", title="Text", of="short_text", words=as_shown, may_name=False),
        Says(name="full_text", title="Whole text", of="full_text", words=as_shown, may_name=False),
        Says(name="since", title="Shown since", of="created_at"),
        Says(name="until", title="Shown until", of="superseded_at"),
    ],
    order=("consent", "language", "version"),
    origin=Origin.PROVIDED,
    position=31,
    key="",
    rows=_texts_shown,
)
