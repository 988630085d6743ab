"""The data dictionary: what each activity type and each property of it is, and who needs it."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from activities.admin.uses import Use, uses_by_type
from activities.models import ActivityTypeUse, PropertyRule
from adminsite.harmless import harmless
from adminsite.permissions import AnyUser
from channels.models import Channel
from database.letter_case import fold
from privacy.models import DictionaryEntry

_Part = DictionaryEntry.Part

# What the columns of the log are, for whoever reads the dictionary.
FIELDS = {
    "title": "What it is called in the log.",
    "value": "What kind of it: the name of a page, an amount.",
    "url": "The page it happened on. An address may have what tells who it was.",
    "referrer": "The page before that.",
}
# These may say who somebody is, whatever a sender puts there.
_MAY_BE_PERSONAL = frozenset({"url", "referrer", "value", "title"})


@dataclass(frozen=True)
class Line:
    """A line of the dictionary, as a download has it.

    :ivar share: of the activities that were looked at, per cent that have it; None if none was
    :ivar personal: `yes` if a rule says so, `may be` of texts that anybody may fill, else `no`
    :ivar used_in: what names the type and asks for this property, as “kind: name”
    """

    type: str
    code_name: str
    what: str
    name: str
    kind: str
    personal: str
    activities: int | None
    first_seen: str | None
    last_seen: str | None
    looked_at: int
    share: float | None
    senders: Sequence[str]
    used_in: Sequence[str]


HEADS = tuple(Line.__dataclass_fields__)


@dataclass
class Around:
    """What is known beside the entries themselves, read once for many of them."""

    rules: Mapping[tuple[int, str], PropertyRule]
    uses: Mapping[str, Sequence[Use]]
    channels: Mapping[int, str]
    counts: Mapping[int, int]

    def rule_of(self, entry: DictionaryEntry) -> PropertyRule | None:
        """The rule of the event specification for this property."""
        is_property = entry.part == _Part.PROPERTY
        return self.rules.get((entry.activity_type_id, entry.name)) if is_property else None

    def uses_of(self, entry: DictionaryEntry) -> list[Use]:
        """What names the type; of a property, what asks for it. None asks for fields by name."""
        uses = self.uses.get(fold(entry.activity_type.code_name), ())
        if entry.part == _Part.TYPE:
            return list(uses)
        name = fold(entry.name)
        return [one for one in uses if name in {fold(asked) for asked in one.properties}]

    def senders_of(self, entry: DictionaryEntry) -> list[str]:
        """The channels that have sent it, by name."""
        return sorted(self.channels[pk] for pk in entry.channels if pk in self.channels)

    def personal(self, entry: DictionaryEntry) -> str:
        """Whether it is personal data."""
        if entry.part == _Part.FIELD:
            return "may be" if entry.name in _MAY_BE_PERSONAL else "no"
        if entry.part == _Part.TYPE:
            key = entry.activity_type_id
            is_personal = any(one.is_personal for (pk, _), one in self.rules.items() if pk == key)
            return "yes" if is_personal else "no"
        rule = self.rule_of(entry)
        return "yes" if rule is not None and rule.is_personal else "no"

    def kind(self, entry: DictionaryEntry) -> str:
        """What values it has: by its rule, else what was seen."""
        rule = self.rule_of(entry)
        return rule.get_kind_display() if rule is not None else ", ".join(entry.values)


def around(entries: Collection[DictionaryEntry], user: AnyUser) -> Around:
    """What pages and downloads show beside `entries`; a constant number of queries."""
    types = {entry.activity_type_id for entry in entries}
    rules = PropertyRule.objects.filter(activity_type__in=types)
    uses = ActivityTypeUse.objects.filter(type__in=types).values_list("type", "count")
    return Around(
        rules={(rule.activity_type_id, rule.name): rule for rule in rules},
        uses=uses_by_type(user),
        channels=dict(Channel.objects.values_list("pk", "name")),
        counts=dict(uses),
    )


def lines(entries: Collection[DictionaryEntry], user: AnyUser) -> Iterator[Line]:
    """The dictionary, as far as the user may see what uses it."""
    known = around(entries, user)
    for entry in entries:
        is_type = entry.part == _Part.TYPE
        yield Line(
            type=entry.activity_type.name,
            code_name=entry.activity_type.code_name,
            what=entry.get_part_display(),
            name=entry.name,
            kind=known.kind(entry),
            personal=known.personal(entry),
            activities=known.counts.get(entry.activity_type_id, 0) if is_type else None,
            first_seen=_text(entry.first_seen),
            last_seen=_text(entry.last_seen),
            looked_at=entry.looked_at,
            share=share_of(entry),
            senders=known.senders_of(entry),
            used_in=[f"{one.kind}: {one.name}" for one in known.uses_of(entry)],
        )


def share_of(entry: DictionaryEntry) -> float | None:
    """Per cent of the activities that were looked at that have it, with one decimal."""
    return round(entry.filled * 100 / entry.looked_at, 1) if entry.looked_at else None


def as_csv(found: Iterable[Line]) -> str:
    """The lines as a CSV that spreadsheets open without running anything in it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADS)
    for line in found:
        cells = ("; ".join(one) if isinstance(one, list) else one for one in asdict(line).values())
        writer.writerow(["" if cell is None else harmless(str(cell)) for cell in cells])
    return text.getvalue()


def as_json(found: Iterable[Line]) -> str:
    """The lines as a list of objects."""
    return json.dumps([asdict(line) for line in found], ensure_ascii=False, indent=1)


def _text(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
