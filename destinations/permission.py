"""The decision whether anything about a contact may go out to a destination."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from consents.permission import SAYS, ObstacleToSending, find_obstacle_to_sending
from database.cursors import array_of
from database.questions import Question, ask
from destinations.models import Destination

ERASED = "The contact was erased."
_REFUSED = {
    ObstacleToSending.NO_ANSWER: "The contact has not agreed to “{}”.",
    ObstacleToSending.REVOKED: "The contact has revoked “{}”.",
}
# Of each contact that is there, the answers to these consents. One who was merged has those of the
# survivor, also of what is yet to be given to that one.
_ANSWERS = f"""
WITH RECURSIVE line (asked, id, merged_into_id) AS (
    SELECT id, id, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[])
    UNION SELECT line.asked, next.id, next.merged_into_id
    FROM line JOIN contacts_contact AS next ON next.id = line.merged_into_id
)
SELECT line.asked, answer.consent_id, {SAYS}
FROM line LEFT JOIN consents_currentanswer AS answer
    ON answer.contact_id = line.id AND answer.consent_id = ANY(%s::bigint[])
WHERE line.merged_into_id IS NULL
"""  # noqa: S608 -- of words of our own


def obstacles(destination: Destination, contact_ids: Collection[int]) -> dict[int, str]:
    """Why nothing about each of these contacts may go out, in a sentence; the others are left out.

    One query, however many contacts there are, and one for the consent unless it was loaded.
    """
    return obstacles_to({destination: contact_ids})[destination]


def obstacles_to(
    wanted: Mapping[Destination, Collection[int]],
) -> dict[Destination, dict[int, str]]:
    """The same for several destinations at once, each with its own contacts; one query."""
    everybody = sorted({one for contact_ids in wanted.values() for one in contact_ids})
    consents = sorted({one.consent_id for one in wanted if one.consent_id is not None})
    answers = _answers(everybody, consents) if everybody else {}
    return {
        destination: {
            contact_id: reason
            for contact_id in contact_ids
            if (reason := _reason(destination, answers.get(contact_id)))
        }
        for destination, contact_ids in wanted.items()
    }


def _answers(
    contact_ids: Collection[int], consent_ids: Collection[int]
) -> dict[int, dict[int, bool | None]]:
    params = [array_of(contact_ids), array_of(consent_ids)]
    (rows,) = ask(Question(_ANSWERS, params, list))
    answers: dict[int, dict[int, bool | None]] = defaultdict(dict)
    for contact_id, consent_id, agreed in rows:
        of_one = answers[contact_id]
        if consent_id is not None:
            of_one[consent_id] = agreed
    return answers


def _reason(destination: Destination, answers: Mapping[int, bool | None] | None) -> str:
    if answers is None:
        return ERASED
    if destination.consent_id is None or destination.consent is None:
        return ""
    obstacle = find_obstacle_to_sending(answers.get(destination.consent_id))
    return _REFUSED[obstacle].format(destination.consent.name) if obstacle else ""
