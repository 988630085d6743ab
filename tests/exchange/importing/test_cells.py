"""Cells become values as contacts have them, or say what is wrong with them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.emails import check_email, mailbox
from exchange.importing.cells import _USUAL_EMAIL, ContactRows
from exchange.importing.dates import DAY_FIRST
from exchange.importing.mapping import Column, Mapping, Target


def read(**cells):
    columns = [
        Column(place, name, Target(name, format=DAY_FIRST if name == "birthday" else None))
        for place, name in enumerate({"email": "", **cells})
    ]
    rows = ContactRows(Mapping("contacts", tuple(columns)))
    values, problems, left_out = rows.read(list({"email": "ann@example.com", **cells}.values()))
    found = {
        name.removeprefix("field_"): value for name, value in zip(rows.names, values, strict=True)
    }
    return found, [one.code for one in problems], [one.code for one in left_out]


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("zip", " 01234 ", "01234"),
        ("zip", "1010.0", "1010"),
        ("mobile_phone", "'+43 660 1", "+43 660 1"),
        ("first_name", "'=cmd()", "=cmd()"),
        ("first_name", "'quoted", "'quoted"),
        ("country", "de", "DEU"),
        ("country", "AUT", "AUT"),
        ("country", "Austria", "AUT"),
        ("country", "czech republic", "CZE"),
        ("country", "Österreich", "AUT"),
        ("state", "ca", "CA"),
        ("state", "California", "CA"),
        ("birthday", "29.02.1980", "1980-02-29"),
        ("email", " Ünter@Exämple.com", None),
        ("email", "Ann.B+news@EXÄMPLE.com", "Ann.B+news@EXÄMPLE.com"),
    ],
)
def test_cell_becomes_a_value(field, cell, value):
    found, problems, left_out = read(**{field: cell})
    if value is None:
        assert problems == ["bad_email"]
        return
    assert (problems, left_out) == ([], [])
    assert found[field] == value


def test_email_has_its_mailbox_beside_it():
    found, _, _ = read(email="Ann@EXÄMPLE.com")
    assert found["mailbox"] == mailbox("Ann@EXÄMPLE.com") == "Ann@xn--exmple-cua.com"


@pytest.mark.parametrize(
    ("field", "cell", "code"),
    [
        ("first_name", "An\0n", "bad_text"),
        ("first_name", "An\ud800n", "bad_text"),
        ("zip", "1\0", "bad_text"),
        ("first_name", "x" * 101, "too_long"),
        ("birthday", "31.12.1899", "bad_date"),
        ("birthday", "1899-12-30", "bad_date"),
        ("birthday", "30.02.1990", "bad_date"),
        ("birthday", "2999-01-01", "bad_date"),
        ("country", "Atlantis", "bad_country"),
        ("state", "Bavaria", "bad_state"),
        ("guid", "1234", "bad_guid"),
        ("email", "ann@@example.com", "bad_email"),
        ("email", "ann@exa\u200bmple.com", "bad_email"),
        ("email_status", "gone", "bad_status"),
    ],
)
def test_cell_that_cannot_be_taken_says_why(field, cell, code):
    _, problems, _ = read(**{field: cell})
    assert problems == [code]


def test_state_of_a_contact_abroad_is_left_out():
    found, problems, left_out = read(country="DEU", state="Bavaria")
    assert (found["state"], problems, left_out) == ("", [], ["state_abroad"])


@settings(max_examples=300)
@given(st.from_regex(_USUAL_EMAIL, fullmatch=True))
def test_usual_emails_are_emails(email):
    check_email(email)
    assert mailbox(email) == email
    assert len(email) <= 254
