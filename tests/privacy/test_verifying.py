"""Verifying certificates: each kind of tampering is found, and told by the number."""

import json

import pytest

from activities.erasing import start_erasure
from contacts.models import Erasure
from privacy import erasure_file, verifying
from privacy.certificates import add
from privacy.models import Certificate
from privacy.sealing import fingerprint
from privacy.verifying import verify
from tests.factories import make_contact
from tests.privacy.proofs import erase, go_back_to, unguarded

pytestmark = pytest.mark.django_db

KINDS = ("erasure", "certificate")


@pytest.fixture(autouse=True)
def chain():
    return [erase() for _ in range(4)]


def told():
    return [(problem.number, problem.text) for problem in verify().problems]


def edit(number, **fields):
    with unguarded():
        Certificate.objects.filter(pk=number).update(**fields)


def rehashed(number, **fields):
    """An edit by somebody who makes a hash of what it says then."""
    certificate = Certificate.objects.get(pk=number)
    for name, value in fields.items():
        setattr(certificate, name, value)
    line = erasure_file.line_of("certificate", certificate.content)
    edit(number, hash=line.hash, **fields)


def test_certificates_as_they_were_written_are_fine():
    result = verify()

    assert (result.count, result.is_ok, result.problems, result.notes) == (4, True, [], [])


@pytest.mark.parametrize(
    "fields",
    [
        {"tables": {"contacts": 2}},
        {"reason": "another"},
        {"by": "somebody else"},
        {"source": "api"},
        {"names": []},
        {"line": ""},
        {"at": "2020-01-01T00:00:00Z"},
        {"destinations": [{"name": "CRM"}]},
        {"user_id": 7},
        {"hash": "0" * 64},
    ],
)
def test_a_changed_certificate_is_found(fields):
    edit(2, **fields)

    assert told() == [(2, "Certificate 2 was changed: its hash is not that of what it says.")]


def test_a_changed_certificate_with_a_hash_of_what_it_says_is_found():
    rehashed(2, tables={"contacts": 2})

    assert told() == [
        (
            2,
            "Certificate 2 was not written by this hub: its seal was not made with the hub's key.",
        )
    ]


def test_a_certificate_that_is_missing_in_the_middle_is_found():
    with unguarded():
        Certificate.objects.filter(pk=2).delete()

    assert told() == [(2, "Certificate 2 is missing; line 4 of the file of erasures has it.")]


def test_certificates_that_are_missing_at_the_end_are_found():
    with unguarded():
        Certificate.objects.filter(pk__gte=3).delete()

    assert [number for number, _ in told()] == [3, 4]


def test_all_certificates_missing_are_found():
    with unguarded():
        Certificate.objects.all().delete()

    assert [number for number, _ in told()] == [1, 2, 3, 4]


def test_swapped_certificates_are_found():
    with unguarded():
        for old, new in ((2, 99), (3, 2), (99, 3)):
            Certificate.objects.filter(pk=old).update(number=new)

    assert told() == [
        (2, "Certificate 2 is what certificate 3 was: certificates were swapped."),
        (3, "Certificate 3 is what certificate 2 was: certificates were swapped."),
    ]


def test_an_inserted_certificate_is_found():
    """It has a right hash and follows the last one, and somebody who has no key made it."""
    last = Certificate.objects.get(pk=4)
    made = Certificate.of_content({**last.content, "number": 5, "previous": last.hash}, last.seal)
    made.save(force_insert=True)

    assert [number for number, _ in told()] == [5]
    assert "was not written by this hub" in told()[0][1]


def test_a_certificate_that_the_file_does_not_have_is_found(file_of_erasures):
    lines = file_of_erasures.read_text().splitlines(keepends=True)
    file_of_erasures.write_text("".join(lines[:-1]))

    assert told() == [(4, "Certificate 4 is not in the file of erasures.")]


def test_a_file_that_is_gone_is_said(file_of_erasures):
    file_of_erasures.unlink()

    assert [number for number, _ in told()] == [1, 2, 3, 4, None]
    assert told()[-1][1].startswith("4 erasures that the database knows are not in")


def test_an_erasure_that_the_file_does_not_have_is_found(file_of_erasures):
    """A backup would bring the person back, and nothing would erase them again."""
    lines = file_of_erasures.read_text().splitlines(keepends=True)
    file_of_erasures.write_text("".join([*lines[:2], *lines[3:]]))

    [(number, text)] = told()
    assert number is None
    assert text.startswith("1 erasure that the database knows is not in")


def test_a_certificate_that_was_cut_off_in_the_database_and_the_file_is_found(file_of_erasures):
    with unguarded():
        Certificate.objects.filter(pk=4).delete()
    lines = file_of_erasures.read_text().splitlines(keepends=True)
    file_of_erasures.write_text("".join(lines[:-1]))

    [(number, text)] = told()
    assert number is None
    assert text.startswith("The certificate of an erasure that ended on ")
    assert text.endswith(" UTC is missing, also in the file.")


def test_an_erasure_that_is_said_to_go_on_again_hides_no_certificate():
    with unguarded():
        Certificate.objects.filter(pk=4).delete()
    Erasure.objects.filter(pk=Erasure.objects.latest("pk").pk).update(finished_at=None)

    assert [number for number, _ in told()] == [4]


@pytest.mark.parametrize("when", ["before the file is read", "after the file was read"])
def test_erasures_that_go_on_meanwhile_are_no_fault(monkeypatch, when):
    read = erasure_file.read

    def and_erase():
        lines = read() if when.startswith("after") else None
        erase(make_contact())
        return read() if lines is None else lines

    monkeypatch.setattr(verifying, "read", and_erase)

    assert told() == []


def test_a_changed_line_of_the_file_is_found(file_of_erasures):
    lines = file_of_erasures.read_text().splitlines()
    line = json.loads(lines[0])
    line["content"]["names"] = []
    file_of_erasures.write_text("\n".join([json.dumps(line), *lines[1:], ""]))

    assert told() == [(None, f"Line 1 of {file_of_erasures} was changed.")]


def test_a_torn_line_and_garbage_are_no_fault_of_certificates(file_of_erasures):
    whole = file_of_erasures.read_text()
    file_of_erasures.write_text(f'garbage\n{whole}{{"kind"')

    result = verify()

    assert result.problems == []
    assert len(result.notes) == 2
    assert result.notes[0].startswith(f"Line 1 of {file_of_erasures} cannot be read.")
    assert result.notes[1].startswith(f"The last line of {file_of_erasures} has no end")


def test_lines_of_another_hub_are_told_and_not_counted(file_of_erasures, settings):
    own, settings.ERASURE_KEY = settings.ERASURE_KEY, "the key of another hub, which is long"
    content = {"key": fingerprint(), "number": 2, "names": []}
    erasure_file.append(*(erasure_file.line_of(kind, content) for kind in KINDS))
    settings.ERASURE_KEY = own

    result = verify()

    assert result.problems == []
    [note] = result.notes
    assert note == f"2 lines of {file_of_erasures} were written under another ERASURE_KEY."


def test_another_key_of_the_hub_is_told(settings):
    settings.ERASURE_KEY = "a new key, which nobody should have set, as it is another"

    assert len(told()) == 4
    assert told()[0][1].endswith("Set ERASURE_KEY to the one of before.")


def test_a_certificate_that_is_yet_to_come_is_not_missing(file_of_erasures):
    """The erasure was certified, which did not commit, and a worker is going to end it."""
    erasure = start_erasure(make_contact().pk, reason="request")
    line = file_of_erasures.read_text().splitlines()[-1]
    last = Certificate.objects.get(pk=4)
    content = {**last.content, "number": 5, "previous": last.hash, "line": json.loads(line)["hash"]}
    erasure_file.append(erasure_file.line_of("certificate", content))

    assert told() == []
    assert erasure.finished_at is None


def test_a_certificate_of_a_timeline_that_was_lost_is_not_missing():
    """A backup was restored without its file, and the hub went on."""
    go_back_to(2)
    ours = Certificate(
        at=Certificate.objects.get(pk=2).at,
        began_at=Certificate.objects.get(pk=2).at,
        by="dora",
        reason="another",
        source="request",
        names=[],
        tables={},
        destinations=[],
    )
    add(ours)

    assert told() == []
