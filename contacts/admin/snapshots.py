"""Fields of contacts, now and as they were before a merge, side by side."""

from dataclasses import dataclass

from contacts.merging import PERSONAL_FIELDS
from contacts.models import Contact
from contacts.places import country_names, state_names

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

    @property
    def is_lost(self) -> bool:
        """Whether the loser's value is kept nowhere but in the record of the merge."""
        return bool(self.loser) and self.loser != self.result


def compare(survivor: dict, loser: dict, result: dict | None = None) -> list[FieldRow]:
    """The fields that at least one of the two has; by default the survivor's own values win."""
    rows = []
    for name in PERSONAL_FIELDS:
        ours, theirs = _text(name, survivor), _text(name, loser)
        after = _text(name, result) if result is not None else ours or theirs
        if ours or theirs:
            rows.append(FieldRow(label_of(name), ours, theirs, after))
    return rows


def label_of(name: str) -> str:
    """What people call this field of a contact."""
    return _LABELS.get(name, name)


def fields_of(contact: Contact) -> dict[str, object]:
    """The personal fields of `contact` by their names."""
    return {name: getattr(contact, name) for name in PERSONAL_FIELDS}


def _text(name: str, fields: dict) -> str:
    value = fields.get(name) or ""
    names = {"country": country_names, "state": state_names}.get(name)
    return str(names().get(value, value) if names else value)
