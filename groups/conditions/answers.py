"""The condition on what contacts agreed to."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from groups.conditions.base import Condition, Scene, register
from groups.conditions.members import Members
from groups.formulas import NOBODY, Fact, Formula, Looked, Statement, put
from groups.names import Kind, Known

_AGREE = "answer.consent_id = {} AND answer.agreed"
_TO_CURRENT_TEXT = (
    "answer.text_id IN (SELECT text.id FROM consents_consenttext AS text"
    " WHERE text.consent_id = {} AND text.superseded_at IS NULL)"
)


class Consent(Condition):
    """The contact agrees to a consent: to any of its texts, or to one that is current."""

    type = "consent"
    title = "Consent"

    def read(self, members: Members) -> dict[str, Any]:
        read = {"consent": members.text("consent", most=200)}
        if members.choice("version", ("any", "current"), default="any") == "current":
            read["version"] = "current"
        return read

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        consent = scene.known.get(Kind.CONSENT, members["consent"])
        if consent is None:
            return NOBODY
        agree = put(_AGREE, consent.id)
        if self.current_texts(members):
            agree = put(f"{{}} AND {_TO_CURRENT_TEXT}", agree, consent.id)
        elif consent.only_current:
            # As everywhere else, see SAYS of consents/permission.py.
            counts = f"(answer.text_id IS NULL OR {_TO_CURRENT_TEXT})"
            agree = put(f"{{}} AND {counts}", agree, consent.id)
        return whose_answer(agree)

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        consent = scene.known.get(Kind.CONSENT, members["consent"])
        if consent is None:
            return ()
        answer = put(
            "SELECT 'agreement', answer.agreement_id, answer.at,"
            " CASE WHEN NOT answer.agreed THEN 'Revoked '"
            " WHEN text.superseded_at IS NOT NULL THEN 'Agreed to an earlier text of '"
            " ELSE 'Agreed to ' END || {}, 1"
            " FROM consents_currentanswer AS answer"
            " LEFT JOIN consents_consenttext AS text ON text.id = answer.text_id"
            " WHERE answer.contact_id = s.contact_id AND answer.consent_id = {}",
            *(f"“{consent.name}”", consent.id),
        )
        return (answer,)

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.CONSENT: (members["consent"],)}

    def current_texts(self, members: Mapping[str, Any]) -> bool:
        return members.get("version") == "current"

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        title = known.title(Kind.CONSENT, members["consent"])
        consent = known.get(Kind.CONSENT, members["consent"])
        is_current = self.current_texts(members) or (consent and consent.only_current)
        current = "a current text of " if is_current else ""
        return f"{'has not' if negate else 'has'} agreed to {current}“{title}”"


def whose_answer(holds: Statement) -> Formula:
    """The formula of contacts with a current answer, the table `answer`, that is as asked."""
    table = "consents_currentanswer AS answer"
    one = put(f"SELECT true FROM {table} WHERE answer.contact_id = s.contact_id AND {{}}", holds)
    all_ = put(f"SELECT answer.contact_id, true AS found FROM {table} WHERE {{}}", holds)
    return Fact(Looked(one, all_))


register(Consent())
