"""What becomes of answers to consents when two contacts are merged: the later one counts."""

from adminsite.formatting import EMPTY
from consents.admin.permissions import may_see_agreements
from consents.models import CurrentAnswer
from contacts.admin.merging import Outcome, register_outcome
from contacts.models import Contact


def _answers(survivor: Contact, loser: Contact) -> list[tuple[str, str, str, str]]:
    rows = CurrentAnswer.objects.filter(contact__in=[survivor, loser]).select_related("consent")
    found: dict[str, dict[int, CurrentAnswer]] = {}
    for answer in rows.order_by("consent__name", "consent_id"):
        found.setdefault(str(answer.consent), {})[answer.contact_id] = answer
    return [
        (
            name,
            _text(answers.get(survivor.pk)),
            _text(answers.get(loser.pk)),
            _text(max(answers.values(), key=lambda one: (one.at, one.agreement_id))),
        )
        for name, answers in found.items()
    ]


def _text(answer: CurrentAnswer | None) -> str:
    if answer is None:
        return EMPTY
    return f"{'Agreed' if answer.agreed else 'Revoked'} on {answer.at:%d %b %Y}"


register_outcome(Outcome("Answers to consents: the later one counts", may_see_agreements, _answers))
