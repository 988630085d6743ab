"""The commands that erase, verify, and erase again."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Contact
from privacy.models import Certificate
from tests.factories import make_activity, make_contact
from tests.privacy.proofs import erase, go_back_to, unguarded

pytestmark = pytest.mark.django_db


def run(*arguments):
    """What a command prints as JSON, and what it says on stderr."""
    output, errors = StringIO(), StringIO()
    call_command(*arguments, stdout=output, stderr=errors)
    return json.loads(output.getvalue()), errors.getvalue()


def test_erase_contact_prints_the_certificate_and_counts():
    contact = make_contact(email="ada@example.com")
    make_activity(contact)

    printed, _ = run("erase_contact", str(contact.guid), "--reason", "A letter of 3 May")

    certificate = Certificate.objects.get()
    assert printed == {"certificate": 1, "tables": certificate.tables}
    assert (printed["tables"]["activities"], printed["tables"]["contacts"]) == (1, 1)
    assert (certificate.reason, certificate.source) == ("A letter of 3 May", "command")
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("guid", "reason", "said"),
    [
        ("00000000-0000-0000-0000-000000000001", "why", "There is no contact with the GUID"),
        ("ada@example.com", "why", "“ada@example.com” is no GUID."),
        ("00000000-0000-0000-0000-000000000001", "  ", "Say why with --reason"),
        ("00000000-0000-0000-0000-000000000001", "a\0b", "Say why with --reason"),
    ],
)
def test_erase_contact_refuses_in_one_line(guid, reason, said):
    with pytest.raises(CommandError) as caught:
        run("erase_contact", guid, "--reason", reason)

    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.returncode == 1


def test_erase_contact_needs_a_reason():
    with pytest.raises(CommandError, match="--reason"):
        run("erase_contact", str(uuid4()))


def test_erase_contact_says_if_the_file_cannot_be_written(file_of_erasures):
    contact = make_contact()
    file_of_erasures.parent.parent.mkdir(exist_ok=True)
    file_of_erasures.parent.write_text("")

    with pytest.raises(CommandError, match="cannot write to its file of erasures"):
        run("erase_contact", str(contact.guid), "--reason", "why")

    assert Contact.objects.filter(guid=contact.guid).exists()


def test_verify_certificates_prints_how_many_there_are():
    erase()
    erase()

    assert run("verify_certificates") == ({"certificates": 2, "ok": True}, "")


def test_verify_certificates_says_what_is_wrong_and_exits_with_1():
    erase()
    erase()
    with unguarded():
        Certificate.objects.filter(pk=1).update(tables={})
        Certificate.objects.filter(pk=2).delete()
    output, errors = StringIO(), StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("verify_certificates", stdout=output, stderr=errors)

    assert ended.value.code == 1
    assert json.loads(output.getvalue()) == {"certificates": 1, "ok": False}
    assert errors.getvalue().splitlines() == [
        "Certificate 1 was changed: its hash is not that of what it says.",
        "Certificate 2 is missing; line 4 of the file of erasures has it.",
    ]


def test_erase_again_prints_what_came_of_it():
    contact = make_contact()
    guid = contact.guid
    erase(contact)
    go_back_to(0)
    make_contact(guid=guid)

    printed, said = run("erase_again")

    assert printed == {"unknown": 1, "erased": 1, "certificates": 1}
    assert "Erased again: 1 person." in said


def test_erase_again_refuses_what_it_cannot_match(settings):
    erase()
    go_back_to(0)
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    with pytest.raises(CommandError, match="under another ERASURE_KEY"):
        run("erase_again")
