"""Fields of contacts, now and as they were before a merge, side by side."""

from collections.abc import Collection
from dataclasses import dataclass

from contacts.models import Contact
from contacts.places import country_names, state_names
from contacts.profile import FIELDS

_LABELS = {
    field.name: str(field.verbose_name).capitalize() for field in Contact._meta.concrete_fields
}


@dataclass(frozen=True)
class FieldRow:
    """One field of the two contacts of a merge, and what the survivor has afterwards."""

    label: str
    survivor: str
    loser: str
    result: str
    name: str = ""

    @property
    def can_choose(self) -> bool:
        """Whether the two contacts have different values."""
        return bool(self.survivor and self.loser) and self.survivor != self.loser

    @property
    def is_lost(self) -> bool:
        """Whether the loser's value is kept nowhere but in the record of the merge."""
        return bool(self.loser) and self.loser != self.result


def compare(
    survivor: dict, loser: dict, result: dict | None = None, loser_wins: Collection[str] = ()
) -> list[FieldRow]:
    """The fields that at least one of the two has.

    Without a `result` the survivor's own values win, but for the fields in `loser_wins`.
    """
    rows = []
    for name in FIELDS:
        ours, theirs = text_of(name, survivor), text_of(name, loser)
        after = (theirs or ours) if name in loser_wins else (ours or theirs)
        if result is not None:
            after = text_of(name, result)
        if ours or theirs:
            rows.append(FieldRow(label_of(name), ours, theirs, after, name))
    return rows


def label_of(name: str) -> str:
    """What people call this field of a contact."""
    return _LABELS.get(name, name)


def text_of(name: str, fields: dict) -> str:
    """What people read of the field `name`: names of places instead of their codes."""
    value = fields.get(name) or ""
    names = {"country": country_names, "state": state_names}.get(name)
    return str(names().get(value, value) if names else value)
