"""At its start the hub erases again what a backup has brought back, before it serves.

The row `ErasureLine` is added in the transaction in which a person loses their names. So a line of
the file of erasures without such a row is an erasure that this database knows nothing of: it is a
backup of before, or the erasure did not commit. Either way the person is looked for and erased.
Nothing else has to be remembered, and a hub with nothing to do reads the file and one column.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Max

from activities.erasing import erase_contacts
from adminsite.audit import note
from contacts.erased_names import (
    Identifier,
    Names,
    contacts_named,
    ensure_key,
    suppress_digests,
)
from contacts.erasures import Erased
from contacts.models import Contact, ContactIdentifier, ContactMerge, Erasure
from contacts.records import all_records_of, people_of
from contacts.undoing import CannotUndo, settle_undone, undo_merge
from privacy.certificates import as_digests, as_names, because, line_of_certificate
from privacy.erasure_file import FileFault, Line, Placed, append, path, read, starting
from privacy.lifts import lift_again, lifted_names
from privacy.models import Certificate, ErasureLine
from privacy.models.certificates import as_text
from privacy.verifying import Filed, goes_on, line_of_row, notes_on

_RESTORED = Erasure.Reason.RESTORED
_SAID_EVERY = 100
# So many are erased together.
_AT_ONCE = 250

type Say = Callable[[str], None]


class CannotMatch(FileFault):
    """For some erasures of the file nobody can be looked for, so the hub must not serve."""


@dataclass
class Again:
    """What came of it.

    :ivar lines: erasures of the file that the database did not know
    :ivar contacts: how many people were erased again
    :ivar certificates: how many came back from the file
    """

    lines: int = 0
    contacts: int = 0
    certificates: int = 0


def erase_again(say: Say, *, all_lines: bool = False) -> Again:
    """Erase who was erased according to the file, and is in the database again.

    With `all_lines`, the database is not believed when it says that it has done so: that finds what
    was restored table by table. `say` is told what is done, in lines for a terminal.

    :raises CannotMatch: if there are erasures, or names of erased people in the database, under
        another key, so nobody can be looked for
    :raises CannotRead, CannotWrite: if the file, or its folder, cannot be used
    """
    with starting():
        try:
            ensure_key()
        except ImproperlyConfigured as error:
            # Erased people could come back, and nobody new could be recorded.
            raise CannotMatch(str(error)) from None
        # Others may erase meanwhile: what the database has now, the file has when it is read.
        before = _known(), Certificate.objects.aggregate(Max("number"))["number__max"] or 0
        lines = read()
        for text in notes_on(lines):
            say(text)
        known = _known()
        erasures = [one.line for one in lines if one.line and one.line.kind == "erasure"]
        unknown = _unknown(erasures, known)
        lifted = lifted_names(one.line for one in lines if one.line)
        _refuse_what_cannot_be_matched(unknown)
        _write_what_the_file_lacks(lines, *before, say)
        done = Again(lines=len(unknown), certificates=_put_back(lines, say))
        asked = [one for one in erasures if one.is_ours] if all_lines else unknown
        if asked:
            done.contacts = _erase_all(asked, lifted, say)
        elif lifted:
            lift_again(lifted, ())
        news = [_row_of(line) for line in erasures if line.hash not in known]
        ErasureLine.objects.bulk_create(news, ignore_conflicts=True)
        return done


def _known() -> set[str]:
    """The hashes of the lines whose erasures the database has had."""
    return set(ErasureLine.objects.values_list("hash", flat=True))


def _unknown(erasures: Sequence[Line], known: set[str]) -> list[Line]:
    """The erasures that the database does not know, without those that were done after all.

    One that did not commit, and was asked for again, is followed by one that the database knows
    with the same names. The person may have come back since, of their own will.
    """
    if known.issuperset(line.hash for line in erasures):
        return []
    found: dict[str, Line] = {}
    done: set[str] = set()
    for line in reversed(erasures):
        names = line.content["names"] if line.is_ours else []
        if line.hash in known:
            done.update(names)
        elif not names or not done.issuperset(names):
            found[line.hash] = line
    return list(reversed(found.values()))


def _refuse_what_cannot_be_matched(unknown: Sequence[Line]) -> None:
    foreign = [line for line in unknown if not line.is_of_this_key]
    changed = [line for line in unknown if line.is_of_this_key and not line.is_ours]
    if foreign:
        raise CannotMatch(
            f"{_erasures(len(foreign))} in {path()} cannot be matched: they were written under "
            "another ERASURE_KEY, so people who were erased may be in this database. Set "
            "ERASURE_KEY to that of the hub that wrote them. If the file is that of another hub, "
            "move it away."
        )
    if changed:
        raise CannotMatch(
            f"{_erasures(len(changed))} in {path()} cannot be matched: the lines were changed "
            "after the hub wrote them, so people who were erased may be in this database. Put an "
            "unchanged copy of the file there."
        )


def _write_what_the_file_lacks(
    lines: Sequence[Placed], known: set[str], last: int, say: Say
) -> None:
    """Let the file have what the database knows: it was lost, or is that of another machine."""
    lacking = known - {placed.line.hash for placed in lines if placed.line}
    rows = ErasureLine.objects.filter(hash__in=lacking).order_by("added_at")
    missing = [line_of_row(row) for row in rows] if lacking else []
    newest = max(Filed.of(lines).by_number, default=0)
    later = Certificate.objects.filter(number__gt=newest, number__lte=last).order_by("number")
    missing += [line_of_certificate(one) for one in later if one.is_unchanged and one.is_sealed]
    # Of the others somebody has written the rows by hand.
    missing = [line for line in missing if line.is_ours]
    if not missing:
        return
    append(*missing)
    count = sum(line.kind == "erasure" for line in missing)
    if lines:
        was = "it was" if count == 1 else "they were"
        text = f"{path()} lacked {_erasures(count)} that the database knows; {was} added."
    else:
        text = (
            f"The file of erasures, {path()}, was not there. {_erasures(count)} that the database "
            "knows were written to it. If this database is a backup, stop the hub, copy the folder "
            "of the hub that it is from, and start again: later erasures cannot be known."
        )
    say(text)
    note(text, model=Certificate)


def _put_back(lines: Sequence[Placed], say: Say) -> int:
    """Put certificates that the database has lost back from the file, as they were."""
    filed = Filed.of(lines)
    last = Certificate.objects.order_by("-number").first()
    wanted = [*_gaps(filed, last), *_tail(filed, last)]
    if wanted:
        with transaction.atomic():
            # Another machine may have begun to do the same.
            Certificate.objects.bulk_create(wanted, ignore_conflicts=True)
            numbers = ", ".join(str(one.number) for one in wanted[:20])
            text = f"Put back from the file of erasures: certificates {numbers}"
            text += " and others." if len(wanted) > 20 else "."
            say(text)
            note(text, model=Certificate)
    return len(wanted)


def _tail(filed: Filed, last: Certificate | None) -> Iterable[Certificate]:
    """The certificates that came after the last one of the database."""
    number, before = (last.number, last.hash) if last else (0, "")
    later = list(filed.after(last).values())
    if later and goes_on(later[-1]):
        later.pop()  # its erasure ends in a moment, and is certified then
    for placed in later:
        certificate = _certificate_of(placed)
        if certificate is None or certificate.number != number + 1:
            return
        if certificate.previous != before:
            return
        yield certificate
        number, before = certificate.number, certificate.hash


def _gaps(filed: Filed, last: Certificate | None) -> Iterable[Certificate]:
    """Those that are missing before it, if they are what the next one follows."""
    if last is None or last.number == Certificate.objects.count():
        return
    chain = dict(Certificate.objects.values_list("number", "previous"))
    for number in range(last.number - 1, 0, -1):
        placed = filed.by_number.get(number)
        certificate = _certificate_of(placed) if placed and number not in chain else None
        if certificate and certificate.hash == chain.get(number + 1):
            chain[number] = certificate.previous
            yield certificate


def _certificate_of(placed: Placed) -> Certificate | None:
    line = placed.line
    if line is None or not line.is_ours:
        return None
    try:
        certificate = Certificate.of_content(line.content, line.seal)
    except (KeyError, TypeError, ValueError):
        return None
    return certificate if certificate.is_unchanged else None


def _erase_all(erasures: Sequence[Line], lifted: Mapping[str, datetime], say: Say) -> int:
    """Suppress the names of these erasures, and erase whom they lead to; return how many.

    Names that were lifted since stay so: who agreed anew has them.
    """
    total = Contact.objects.count()
    say(f"Looking for {_erasures(len(erasures))} among {total:,} contacts …")
    by_name: dict[str, list[Line]] = {}
    for line in erasures:
        for name in line.content["names"]:
            by_name.setdefault(name, []).append(line)
    suppress_digests(as_digests(by_name.keys() - lifted.keys()))
    erased, said, refused = 0, 0, set()
    for some in batched(contacts_named(as_digests(by_name)), _AT_ONCE):
        gone = _erase_some(some, by_name, lifted, say)
        if gone is None:
            continue
        erased += gone.people
        refused |= _names(gone.names)
        if erased - said >= _SAID_EVERY:
            said = erased
            say(f"Erased again: {erased:,} people so far …")
    lift_again(lifted, refused)
    text = f"Erased again: {erased:,} {'person' if erased == 1 else 'people'}."
    say(text)
    note(text, model=Certificate)
    return erased


def _erase_some(
    contact_ids: Sequence[int],
    by_name: Mapping[str, Sequence[Line]],
    lifted: Mapping[str, datetime],
    say: Say,
) -> Erased | None:
    """Erase those of these contacts whom an erasure meant, together; None if it meant none."""
    # One person may be found by two names, or be erased by another process just now.
    people = people_of(all_records_of(contact_ids))
    identifiers = _identifiers_of(people)
    meant: dict[int, Line] = {}
    for person in people:
        if line := _meant(person, identifiers, by_name, lifted):
            meant[_alone(person, line, say)] = line
    if not meant:
        return None
    with because(_why([line.content["at"] for line in meant.values()])):
        return erase_contacts(list(meant), lambda ids: ids, reason=_RESTORED)


def _why(times: Sequence[str]) -> str:
    first, last = (at[:16].replace("T", " ") for at in (min(times), max(times)))
    if len(times) == 1:
        return f"A backup had brought back a person who was erased on {first} UTC."
    when = f"on {first} UTC" if first == last else f"from {first} to {last} UTC"
    return f"A backup had brought back {len(times):,} people who were erased {when}."


def _meant(
    person: Sequence[Contact],
    identifiers: Mapping[int, Sequence[Identifier]],
    by_name: Mapping[str, Sequence[Line]],
    lifted: Mapping[str, datetime],
) -> Line | None:
    """The erasure that this person, who has a name of one, was erased by; None if none was.

    A GUID is decisive. An email leads to the contact that has it; identifiers, such as that of a
    browser that a family shares, only to a contact without an email. By these nobody is found who
    became a contact after the erasure, or to whom the person's agreement has given them since.
    """
    for name in _names(Names(guids=[str(one.guid) for one in person])):
        if name in by_name:
            return by_name[name][-1]
    live = person[0]
    given = [one for record in person for one in identifiers.get(record.pk, ())]
    names = Names(emails=[live.email]) if live.email else Names(identifiers=given)
    for name in _names(names) - lifted.keys():
        for line in by_name.get(name, ()):
            if as_text(live.created_at) <= line.content["at"]:
                return line
    return None


def _identifiers_of(people: Sequence[Sequence[Contact]]) -> dict[int, list[Identifier]]:
    """The identifiers of people without an email, by the ids of their contacts."""
    ids = [one.pk for person in people if not person[0].email for one in person]
    rows = ContactIdentifier.objects.filter(contact__in=ids).order_by("pk")
    found: dict[int, list[Identifier]] = {}
    for contact_id, *row in rows.values_list("contact", "site_id", "kind", "value"):
        found.setdefault(contact_id, []).append(Identifier(*row))
    return found


def _alone(person: Sequence[Contact], erasure: Line, say: Say) -> int:
    """The contact to erase, after a merge was undone with one who is another person.

    When the erasure was done, the records of the person were those whose GUIDs it names. A backup
    may be of a time when another contact had swallowed one of them.
    """
    names = set(erasure.content["names"])
    live = person[0]
    ours = {one.pk for one in person if names & _names(Names(guids=[str(one.guid)]))}
    if not ours or live.pk in ours:
        return live.pk
    merges = ContactMerge.objects.filter(
        survivor=live, loser__in=ours, status=ContactMerge.Status.DONE
    )
    for merge in merges.order_by("-pk"):
        try:
            settle_undone([undo_merge(merge.pk).pk])
        except CannotUndo as error:
            say(f"A merge of a person who was erased cannot be undone, so both are erased: {error}")
        else:
            return merge.loser_id
    return live.pk


def _names(names: Names) -> set[str]:
    return set(as_names(names.digests()))


def _row_of(line: Line) -> ErasureLine:
    return ErasureLine(hash=line.hash, content=line.content, seal=line.seal)


def _erasures(count: int) -> str:
    return f"{count:,} {'erasure' if count == 1 else 'erasures'}"
