"""Which people did something when, as bitmaps of the ids of contacts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet
from pyroaring import BitMap64

from figures.models import KnownPeople, PeopleSeen
from figures.times import moment_of

_PART_BITS = 20


class Seen(NamedTuple):
    """Who did something at a time, and who of them for the first time."""

    at: datetime
    seen: BitMap64
    new: BitMap64


@dataclass
class Appearances:
    """People to add, by the second at which they are counted."""

    seen: dict[int, BitMap64] = field(default_factory=lambda: defaultdict(BitMap64))
    new: dict[int, BitMap64] = field(default_factory=lambda: defaultdict(BitMap64))


def read_seen(since: datetime, until: datetime | None = None) -> Iterator[Seen]:
    """Who did something from `since` on, in the order of time."""
    rows = PeopleSeen.objects.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    found = rows.order_by("at").values_list("at", "seen", "new")
    for at, seen, new in found:
        yield Seen(at, _people(seen), _people(new))


def union_of(rows: Iterable[BitMap64]) -> BitMap64:
    """Everybody who is in one of them."""
    found = list(rows)
    return BitMap64.union(*found) if found else BitMap64()


def add(appearances: Appearances) -> None:
    """Add these people to those who were seen; the caller holds the reader."""
    times = [moment_of(second) for second in appearances.seen]
    known = _by_time(PeopleSeen.objects.filter(at__in=times))
    rows = []
    for second, seen in appearances.seen.items():
        at = moment_of(second)
        before = known.get(at)
        new = appearances.new.get(second, BitMap64())
        rows.append(
            Seen(at, before.seen | seen, before.new | new) if before else Seen(at, seen, new)
        )
    write(rows)


def write(rows: Iterable[Seen]) -> None:
    """Keep these instead of what there is of their times."""
    objects = [PeopleSeen(at=row.at, seen=_bytes(row.seen), new=_bytes(row.new)) for row in rows]
    PeopleSeen.objects.bulk_create(
        objects, update_conflicts=True, update_fields=["seen", "new"], unique_fields=["at"]
    )


def named_among(people: BitMap64) -> BitMap64:
    """Those of `people` who have an email or a name, as far as the reader knows."""
    return people & union_of(_people(row.named) for row in KnownPeople.objects.only("named"))


def mark_seen(ids: Collection[int]) -> set[int]:
    """Keep that these contacts did something; those of whom nothing was read before."""
    new: set[int] = set()
    parts = _in_parts(ids)
    rows = _parts(parts)
    for part, of_part in parts.items():
        row = rows[part]
        before = _people(row.ever_seen)
        new |= set(of_part - before)
        row.ever_seen = _bytes(before | of_part)
    if new:
        _save_parts(rows, "ever_seen")
    return new


def name(named: Collection[int], nameless: Collection[int]) -> None:
    """Keep that these contacts have an email or a name, and those have neither."""
    gained, lost = _in_parts(named), _in_parts(nameless)
    rows = _parts({**gained, **lost})
    changed = {}
    for part, row in rows.items():
        before = _people(row.named)
        after = (before | gained.get(part, BitMap64())) - lost.get(part, BitMap64())
        if after != before:
            row.named = _bytes(after)
            changed[part] = row
    if changed:
        _save_parts(changed, "named")


def forget_people(ids: Collection[int]) -> None:
    """Take these contacts, who are gone, out of what is known of people."""
    rows, parts = _parts(_in_parts(ids)), _in_parts(ids)
    for part, row in rows.items():
        row.named = _bytes(_people(row.named) - parts[part])
        row.ever_seen = _bytes(_people(row.ever_seen) - parts[part])
    _save_parts(rows, "named", "ever_seen")


def were_seen(ids: Collection[int]) -> set[int]:
    """Those of these contacts of whom anything was read."""
    parts = _in_parts(ids)
    found = (
        _people(row.ever_seen) & parts[row.part]
        for row in KnownPeople.objects.filter(part__in=list(parts))
    )
    return {pk for of_part in found for pk in of_part}


def _by_time(rows: QuerySet[PeopleSeen]) -> dict[datetime, Seen]:
    return {row.at: Seen(row.at, _people(row.seen), _people(row.new)) for row in rows}


def _in_parts(ids: Iterable[int]) -> dict[int, BitMap64]:
    parts: dict[int, BitMap64] = defaultdict(BitMap64)
    for pk in ids:
        parts[pk >> _PART_BITS].add(pk)
    return parts


def _parts(parts: Mapping[int, BitMap64]) -> dict[int, KnownPeople]:
    empty = _bytes(BitMap64())
    rows = {part: KnownPeople(part=part, named=empty, ever_seen=empty) for part in parts}
    return rows | {row.part: row for row in KnownPeople.objects.filter(part__in=list(parts))}


def _save_parts(rows: Mapping[int, KnownPeople], *fields: str) -> None:
    KnownPeople.objects.bulk_create(
        rows.values(), update_conflicts=True, update_fields=fields, unique_fields=["part"]
    )


def _people(kept: bytes | memoryview) -> BitMap64:
    return BitMap64.deserialize(bytes(kept))


def _bytes(people: BitMap64) -> bytes:
    return people.serialize()
