"""Verifying certificates: which was changed, is missing, was swapped or does not belong there.

Each is held against its own hash, its seal, the certificate before it, and the file of erasures,
which also has those that the end of the chain would have. An erasure that has ended is held against
both: so it is found if the end of both was cut off.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import Max

from contacts.models import Erasure
from database.lookups import Among
from privacy.erasure_file import CannotRead, Line, Placed, path, read
from privacy.models import Certificate, ErasureLine
from privacy.sealing import fingerprint

_AT_ONCE = 500


@dataclass(frozen=True)
class Problem:
    """What is wrong: with which certificate, by its number, or with the file; in a sentence."""

    number: int | None
    text: str


@dataclass
class Verified:
    """What came of verifying all certificates.

    :ivar count: how many the database has
    :ivar notes: what is not as usual, and no fault of the certificates
    """

    count: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether all certificates are there, as they were written."""
        return not self.problems


@dataclass(frozen=True)
class Filed:
    """The certificates that the file of erasures has, of each number the one that counts.

    That is the last one: an earlier one was of a transaction that did not commit.
    """

    by_number: dict[int, Placed]
    numbers: dict[str, int]

    @classmethod
    def of(cls, lines: Sequence[Placed]) -> "Filed":
        """Those of these lines that were written under this hub's key."""
        by_number, numbers = {}, {}
        key = fingerprint()
        for placed in lines:
            number = number_of(placed.line)
            if number and placed.line and placed.line.content.get("key") == key:
                by_number[number] = placed
                numbers[placed.line.hash] = number
        return cls(by_number, numbers)

    def after(self, last: Certificate | None) -> dict[int, Placed]:
        """Those that come after `last` of the database, in the order of their numbers.

        Lines before its own are of a database that there is no more.
        """
        ours = self.by_number.get(last.number) if last else None
        place = ours.place if ours and ours.line and last and ours.line.hash == last.hash else 0
        newest = last.number if last else 0
        later = {
            number: placed
            for number, placed in self.by_number.items()
            if number > newest and placed.place > place
        }
        return dict(sorted(later.items()))


def line_of_row(row: ErasureLine) -> Line:
    """What the file has of an erasure that the database knows."""
    return Line("erasure", row.content, row.hash, row.seal)


def number_of(line: Line | None) -> int | None:
    """The number of the certificate that a line has; None if it has none."""
    if line is None or line.kind != "certificate":
        return None
    number = line.content.get("number")
    return number if isinstance(number, int) and number > 0 else None


def verify() -> Verified:
    """Verify all certificates; it changes nothing."""
    result = Verified()
    # What the database has now, the file has when it is read: others may erase meanwhile.
    last = Certificate.objects.aggregate(Max("number"))["number__max"] or 0
    begun = dict(ErasureLine.objects.values_list("hash", "erasure_id"))
    ended = _ended(begun.values())
    try:
        lines = read()
    except CannotRead as error:
        lines = []
        result.problems.append(Problem(None, str(error)))
    filed = Filed.of(lines)
    result.problems += [
        Problem(None, f"Line {placed.place} of {path()} was changed.")
        for placed in lines
        if placed.line and not placed.line.is_whole
    ]
    result.notes += notes_on(lines)
    before: Certificate | None = None
    known_hash: str | None = ""
    expected = 1
    rows = Certificate.objects.filter(number__lte=last).order_by("number")
    certified = {
        placed.line.content.get("line") for placed in filed.by_number.values() if placed.line
    }
    for certificate in rows.iterator(_AT_ONCE):
        certified.add(certificate.line)
        result.count += 1
        while expected < certificate.number:
            result.problems.append(_missing(expected, filed))
            known_hash = _filed_hash(filed, expected)
            expected += 1
        fault = _fault(certificate, known_hash, filed)
        if fault:
            result.problems.append(Problem(certificate.number, fault))
        known_hash = _filed_hash(filed, certificate.number) if fault else certificate.hash
        expected, before = certificate.number + 1, certificate
    for number, placed in filed.after(before).items():
        if not goes_on(placed) and not _is_there_by_now(placed):
            result.problems.append(_missing(number, filed))
    result.problems += _uncertified(begun, ended, certified)
    result.problems += _not_in_the_file(begun, lines)
    return result


def notes_on(lines: Sequence[Placed]) -> Iterator[str]:
    """What an operator should know of the file, in sentences."""
    for placed in lines:
        if placed.line is None and placed.is_torn:
            yield (
                f"The last line of {path()} has no end: the power failed while it was written, "
                "and what it was about did not commit."
            )
        elif placed.line is None:
            yield (
                f"Line {placed.place} of {path()} cannot be read. If the power failed while it was "
                "written, nothing is lost; otherwise put the line of a copy in its place."
            )
    key = fingerprint()
    foreign = sum(1 for one in lines if one.line and one.line.content.get("key") != key)
    if foreign:
        yield f"{foreign:,} lines of {path()} were written under another ERASURE_KEY."


def fault_of(certificate: Certificate, hash_before: str | None) -> str:
    """What is wrong with a certificate as it is in the database, in a sentence; "" if nothing.

    `hash_before` is the hash of the one before it: "" if it is the first, None if it is not known.
    """
    name = str(certificate)
    if not certificate.is_unchanged:
        return f"{name} was changed: its hash is not that of what it says."
    if certificate.key != fingerprint():
        return (
            f"{name} was sealed under another ERASURE_KEY than the hub has now. Set ERASURE_KEY to "
            "the one of before."
        )
    if not certificate.is_sealed:
        return f"{name} was not written by this hub: its seal was not made with the hub's key."
    if hash_before is not None and certificate.previous != hash_before:
        return f"{name} does not follow certificate {certificate.number - 1}: it names another."
    return ""


def _fault(certificate: Certificate, hash_before: str | None, filed: Filed) -> str:
    number, name = certificate.number, str(certificate)
    belongs = filed.numbers.get(certificate.hash, number)
    if belongs != number:
        return f"{name} is what certificate {belongs} was: certificates were swapped."
    if fault := fault_of(certificate, hash_before):
        return fault
    if not filed.by_number:
        return f"{name} is not in the file of erasures: {path()} has no certificates."
    placed = filed.by_number.get(number)
    if placed is None:
        return f"{name} is not in the file of erasures."
    if placed.line and placed.line.hash != certificate.hash:
        return f"{name} is not the one in line {placed.place} of the file of erasures."
    return ""


def _filed_hash(filed: Filed, number: int) -> str | None:
    placed = filed.by_number.get(number)
    return placed.line.hash if placed and placed.line else None


def _missing(number: int, filed: Filed) -> Problem:
    placed = filed.by_number.get(number)
    where = f"; line {placed.place} of the file of erasures has it" if placed else ""
    return Problem(number, f"Certificate {number} is missing{where}.")


def _ended(erasure_ids: Iterable[int | None]) -> dict[int, datetime]:
    """When those of these erasures ended that did."""
    ids = [one for one in erasure_ids if one is not None]
    rows = Erasure.objects.filter(Among("pk", ids), finished_at__isnull=False)
    return {pk: at for pk, at in rows.values_list("pk", "finished_at") if at is not None}


def _is_there_by_now(placed: Placed) -> bool:
    """Whether the database has got the certificate of this line since."""
    return placed.line is not None and Certificate.objects.filter(hash=placed.line.hash).exists()


def _uncertified(
    begun: Mapping[str, int | None],
    ended: Mapping[int, datetime],
    certified: Collection[str | None],
) -> Iterator[Problem]:
    """The erasures that have ended, and of which neither database nor file has a certificate."""
    for digest, erasure_id in begun.items():
        at = ended.get(erasure_id) if erasure_id is not None else None
        if at is not None and digest not in certified:
            on = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            text = f"The certificate of an erasure that ended on {on} is missing, also in the file."
            yield Problem(None, text)


def _not_in_the_file(begun: Collection[str], lines: Sequence[Placed]) -> Iterator[Problem]:
    """That erasures of the database are not in the file: a backup would bring these people back."""
    gone = set(begun) - {placed.line.hash for placed in lines if placed.line}
    rows = ErasureLine.objects.iterator(_AT_ONCE) if gone else ()
    # Others somebody has added to the table by hand.
    if lacking := sum(row.hash in gone and line_of_row(row).is_ours for row in rows):
        what = "1 erasure that the database knows is" if lacking == 1 else ""
        what = what or f"{lacking:,} erasures that the database knows are"
        yield Problem(
            None,
            f"{what} not in {path()}, so a backup would bring people back. Put a copy of the file "
            "there, or start the hub again: it adds what is missing.",
        )


def goes_on(placed: Placed) -> bool:
    """Whether the erasure that it would certify has not ended yet: the certificate is to come."""
    assert placed.line is not None
    lines = ErasureLine.objects.filter(hash=placed.line.content.get("line", ""))
    begun = lines.values_list("erasure_id", flat=True)
    # One that goes on knows whom it erases.
    going_on = Erasure.objects.filter(pk__in=begun, finished_at__isnull=True)
    return going_on.exclude(names={}).exists()
