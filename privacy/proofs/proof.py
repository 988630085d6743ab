"""The proof of consents of one person: each answer with the exact text, and what is not known."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.template.loader import render_to_string
from django.utils import timezone

from consents.models import Consent, ConsentAgreement, ConsentText
from consents.tellings import as_shown
from contacts.emails import mailbox
from contacts.models import Contact
from contacts.telling import Person, person_of
from privacy.access.rows import in_words
from privacy.models.proofs import KeptAgreement
from privacy.proofs.names import digests_of

FORMAT = "throughline/proof-of-consent"
_RELATED = ("consent", "text", "channel", "tracked_site")
_NO_TEXT = "Which text was shown: the consent had none then, or it was not kept."
_NO_PLACE = "On which website or in which app: it was recorded by the hub itself or by a program."
_NO_WAY = "By which key, form or import it came: the hub did not keep that of this answer."
# The hub never keeps these, so no proof has them.
NEVER_KEPT = "The hub keeps neither IP address nor device of who answers."


@dataclass(frozen=True)
class Answer:
    """One answer, as it is proved: `unknown` says in sentences what is not known of it."""

    number: int
    agreed: bool
    at: datetime
    text: ConsentText | None
    channel: str
    site: str
    came_by: str
    request: str = ""
    counts: bool = False

    @property
    def place(self) -> str:
        """The website or app, with the website of visitors who were followed there."""
        return " · ".join(filter(None, (self.site, self.channel)))

    @property
    def texts(self) -> list[Any]:
        """The short and the full text, as they were shown."""
        if self.text is None:
            return []
        return [as_shown(one) for one in (self.text.short_text, self.text.full_text) if one]

    @property
    def at_in_words(self) -> str:
        """When it was, in the time zone of who looks."""
        return in_words(self.at)

    @property
    def unknown(self) -> list[str]:
        """What is not known."""
        missing = (
            (self.text is None, _NO_TEXT),
            (not self.place, _NO_PLACE),
            (not self.came_by, _NO_WAY),
        )
        return [said for is_missing, said in missing if is_missing]


@dataclass(frozen=True)
class ConsentProof:
    """The answers to one consent, in the order in which they were given."""

    consent: Consent
    answers: list[Answer] = field(default_factory=list)


@dataclass(frozen=True)
class Proof:
    """All answers of one person, by consent.

    :ivar about: who it is about, as names and values
    :ivar is_erased: whether the person was erased since
    """

    about: list[tuple[str, str]]
    made_at: datetime
    consents: list[ConsentProof]
    is_erased: bool = False

    @property
    def made_in_words(self) -> str:
        """When the proof was made."""
        return in_words(self.made_at)


def proof_of(contact_id: int) -> Proof:
    """The proof of a contact, with what was merged into it.

    :raises Contact.DoesNotExist: if there is none
    """
    person = person_of(contact_id)
    rows = ConsentAgreement.objects.filter(contact__in=person.ids).select_related(*_RELATED)
    agreements = list(rows.order_by("at", "pk"))
    last = {one.consent_id: one.pk for one in agreements}
    consents = _by_consent(
        (one.consent, _answer(number, one, counts=last[one.consent_id] == one.pk))
        for number, one in _numbered(agreements)
    )
    return Proof(_about(person), timezone.now(), consents)


def kept_proof(name: str) -> Proof | None:
    """The proof of somebody erased who had this email or GUID; None if nothing is kept of them."""
    is_email = "@" in name
    digests = digests_of(emails=[name]) if is_email else digests_of(guids=[name])
    rows = KeptAgreement.objects.filter(names__overlap=list(digests)).select_related(*_RELATED)
    kept = list(rows.order_by("at", "pk"))
    if not kept:
        return None
    consents = _by_consent((one.consent, _answer(number, one)) for number, one in _numbered(kept))
    shown = mailbox(name) if is_email else name
    about = [("Email" if is_email else "GUID", shown)]
    about += [("Erased", in_words(at)) for at in sorted({one.kept_at for one in kept})]
    return Proof(about, timezone.now(), consents, is_erased=True)


def came_by_of(agreement: ConsentAgreement) -> str:
    """How an answer reached the hub, in words: by which key, form or import; "" if not known."""
    # An import says of which it is, and where the file says that the person answered.
    imported = getattr(agreement, "import_id", None)
    place = getattr(agreement, "place", "")
    said = [agreement.came_by]
    if imported is not None and not agreement.came_by:
        said.append(f"Import {imported}")
    return ", ".join(filter(None, [*said, place]))


def as_html(proof: Proof) -> str:
    """The proof as a page that stands alone."""
    return render_to_string("privacy/proof_document.html", {"proof": proof, "never": NEVER_KEPT})


def as_json(proof: Proof) -> bytes:
    """The proof for programs, with the HTML of the texts as it was kept."""
    told = {
        "format": FORMAT,
        "version": 1,
        "made_at": proof.made_at,
        "about": dict(proof.about),
        "erased": proof.is_erased,
        "consents": [
            {
                "consent": one.consent.code_name,
                "name": one.consent.name,
                "answers": [_told(answer) for answer in one.answers],
            }
            for one in proof.consents
        ],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2)


def _told(answer: Answer) -> dict[str, Any]:
    text = answer.text
    return {
        "number": answer.number,
        "answer": "agreed" if answer.agreed else "revoked",
        "at": answer.at,
        "channel": answer.channel,
        "site": answer.site,
        "came_by": answer.came_by,
        "request": answer.request,
        "text": None
        if text is None
        else {
            "language": text.language,
            "version": text.version,
            "since": text.created_at,
            "until": text.superseded_at,
            "short_text": text.short_text,
            "full_text": text.full_text,
        },
        "unknown": answer.unknown,
    }


def _about(person: Person) -> list[tuple[str, str]]:
    contact: Contact = person.live
    names = [("Name", contact.full_name), ("Email", contact.email), ("GUID", str(contact.guid))]
    earlier = sorted(person.guids - {str(contact.guid)})
    return [*((name, value) for name, value in names if value), *(("GUID", one) for one in earlier)]


def _answer(number: int, row: Any, *, counts: bool = False) -> Answer:
    return Answer(
        number=number,
        agreed=row.agreed,
        at=row.at,
        text=row.text,
        channel=row.channel.name if row.channel else "",
        site=row.tracked_site.name if row.tracked_site else "",
        came_by=row.came_by if isinstance(row, KeptAgreement) else came_by_of(row),
        request=str(getattr(row, "request_id", None) or ""),
        counts=counts,
    )


def _numbered(rows: list[Any]) -> Iterable[tuple[int, Any]]:
    """The rows with their number among the answers to the same consent."""
    numbers: dict[int, int] = {}
    for row in rows:
        numbers[row.consent_id] = numbers.get(row.consent_id, 0) + 1
        yield numbers[row.consent_id], row


def _by_consent(answers: Iterable[tuple[Consent, Answer]]) -> list[ConsentProof]:
    found: dict[int, ConsentProof] = {}
    for consent, answer in answers:
        found.setdefault(consent.pk, ConsentProof(consent)).answers.append(answer)
    return sorted(found.values(), key=lambda one: (one.consent.name.lower(), one.consent.pk))
