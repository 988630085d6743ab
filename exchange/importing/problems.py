"""What is wrong with cells and rows: for the file of rejects, and grouped by what mends it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_MOST_EXAMPLES = 5
_LONGEST_FOUND = 60
_MOST_GROUPS = 200

MENDS = {
    "bad_email": "Correct the addresses in the file, or leave these rows out.",
    "no_email": "Give an email in each row, or a GUID that the hub knows.",
    "too_long": "Shorten the texts, or map the column to a field with more room, such as notes.",
    "bad_text": "Remove the characters that cannot be kept, such as NUL.",
    "bad_date": "Correct the dates, or say in the mapping in which format they are written.",
    "bad_country": "Write countries by their codes, such as DEU or DE, or by their names.",
    "bad_state": "Write states of the USA by their codes, such as CA, or by their names.",
    "bad_guid": "Write GUIDs with 32 digits, as 3f2a9c1e-0000-4000-8000-000000000000.",
    "bad_row": "Correct the rows in the file.",
    "bad_status": "Write subscribed, unsubscribed or cleaned.",
    "erased": "These persons were erased. Only they themselves can come back, by a new agreement.",
    "bad_answer": "Write yes or no, true or false, 1 or 0, or ja or nein. Other words say nothing.",
    "bad_tag": "Shorten the tags, or choose what stands between two of them.",
    "shared_id": "Correct the user IDs, or leave the column out.",
    "no_group": "Make a static group of this name, or leave it out: it says nothing.",
    "junk_id": "Nothing: words such as null, and zeros, name nobody.",
    "state_abroad": "Nothing: only contacts in the USA have a state.",
    "unknown_contact": "Import the contacts first.",
    "recorded": "Nothing. If it happened once more, give the rows an id of their own (a UUID).",
    "bad_properties": "Write the properties as an object of JSON.",
    "consent": "The contacts have to agree to the tracking consent of the channel first.",
}


class Problem(NamedTuple):
    """Why a cell or a row cannot be taken as it is."""

    code: str
    column: str
    message: str
    found: str = ""

    @property
    def sentence(self) -> str:
        """The problem, for a row of the file of rejects."""
        found = f" Found: “{self.found}”." if self.found else ""
        return f"{self.message}{found}"


class LeftOut(Problem):
    """Why a cell is left out, and its row is taken all the same."""


# What only shows when the contacts are looked for.
NO_EMAIL = Problem("no_email", "", "The row has no email, and no GUID of a contact.")
ERASED = Problem("erased", "", "The row names a person who was erased (erased).")
UNKNOWN = Problem("unknown_contact", "", "There is no contact with this GUID or email.")
RECORDED = Problem(
    "recorded", "", "The activity was recorded before: it is not recorded a second time."
)
SHARED = Problem(
    "shared_id", "", "A row before, of another contact, has the same user ID: it is one user's."
)
LATER = (NO_EMAIL, ERASED, UNKNOWN, SHARED)


_OTHER = Problem("other", "", "Something else: the file of rejects says it for each row.")


@dataclass
class Group:
    """Problems that are mended in the same way."""

    code: str
    message: str
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


class Grouped:
    """Problems of very many rows: how many of each, and the first of them."""

    def __init__(self, known: Iterable[dict[str, Any]] = ()):
        self._groups: dict[tuple[str, str, str], Group] = {}
        for one in known:
            group = Group(one["code"], one["message"], one["count"], list(one["examples"]))
            self._groups[one["code"], one["column"], one["message"]] = group

    def add(self, problem: Problem, row: int, *, count: int = 1) -> None:
        """Count this problem of a row, and of so many."""
        key = (problem.code, problem.column, problem.message)
        group = self._groups.get(key)
        if group is None and len(self._groups) >= _MOST_GROUPS:
            key = ("other", "", _OTHER.message)
            group, problem = self._groups.get(key), _OTHER
        if group is None:
            group = self._groups[key] = Group(problem.code, problem.message)
        group.count += count
        if len(group.examples) < _MOST_EXAMPLES:
            found = problem.found[:_LONGEST_FOUND]
            group.examples.append({"row": row, "column": problem.column, "found": found})

    def as_json(self) -> list[dict[str, Any]]:
        """The groups, the largest first."""
        return [
            {
                "code": group.code,
                "column": column,
                "message": group.message,
                "mend": MENDS.get(group.code, ""),
                "count": group.count,
                "examples": group.examples,
            }
            for (_, column, _), group in sorted(
                self._groups.items(), key=lambda item: -item[1].count
            )
        ]
